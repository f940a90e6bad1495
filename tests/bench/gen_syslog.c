/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog: RFC 5424 from Linux, RFC 3164 and what passes for it from nginx,
 * the kernel, Cisco ASA and IOS, FortiGate and PAN-OS.
 */
#include "tests/bench/gen_impl.h"

#define LINUX GEN_CLASS_LINUX, GEN_FORM_RFC5424
#define BSD GEN_CLASS_LINUX, GEN_FORM_RFC3164
#define ASA GEN_CLASS_ASA, GEN_FORM_ASA
#define IOS GEN_CLASS_IOS, GEN_FORM_IOS
#define FORTI GEN_CLASS_FORTI, GEN_FORM_FORTI
#define PALO GEN_CLASS_PALO, GEN_FORM_RFC3164
#define META " [meta sequenceId=\"`seq`\"] "

const struct gen_row gen_syslog_rows[] = {
    {8, LINUX,
	"<38>1 `t` `host` sshd `pid` -" META
	"Failed password for invalid user `login` from `xip` port `port` "
	"ssh2"},
    {8, LINUX,
	"<38>1 `t` `host` sshd `pid` -" META
	"Accepted publickey for `login` from `sip` port `port` ssh2: "
	"ED25519 SHA256:`hex16``hex8`"},
    {5, LINUX,
	"<85>1 `t` `host` sudo `pid` -" META
	"`login` : TTY=pts/`n2` ; PWD=/home/`login` ; USER=root ; "
	"COMMAND=/usr/bin/systemctl restart app@`n4`"},
    {5, LINUX,
	"<78>1 `t` `host` CRON `pid` -" META
	"(`login`) CMD (/usr/local/sbin/collect --job `n6` >/dev/null 2>&1)"},
    {5, LINUX,
	"<30>1 `t` `host` dhcpd `pid` -" META
	"DHCPACK on `sip` to `mac` (PC-`n5`) via eth`n2`"},
    {4, LINUX,
	"<30>1 `t` `host` systemd 1 -" META
	"Started session-`n5`.scope - Session `n5` of User `login`."},
    {24, BSD,
	"<190>`t` `host` nginx: conn=`seq` `xip` - - \"GET `page`?id=`n6` "
	"HTTP/1.1\" 200 `bytes` \"https://`site`/`hex8`\" \"Mozilla/5.0 "
	"(Windows NT 10.0; Win64; x64) Chrome/1`n2`.0\" rid=`hex16` rt=0.`n3`"},
    {9, BSD,
	"<4>`t` `host` kernel: [`seq`.`micro`] [UFW BLOCK] IN=eth0 OUT= "
	"MAC=`mac`:`mac`:08:00 SRC=`xip` DST=`sip` LEN=`n3` TOS=0x00 "
	"PREC=0x00 TTL=`n2` ID=`n5` DF PROTO=TCP SPT=`port` DPT=`dport` "
	"WINDOW=64240 RES=0x00 SYN URGP=0"},
    {8, ASA,
	"<166>`t` `host` : %ASA-6-302013: Built outbound TCP connection "
	"`seq` for outside:`xip`/`dport` (`xip`/`dport`) to inside:`sip`/"
	"`port` (`sip`/`port`)"},
    {7, ASA,
	"<166>`t` `host` : %ASA-6-302014: Teardown TCP connection `seq` for "
	"outside:`xip`/`dport` to inside:`sip`/`port` duration 0:00:`sec` "
	"bytes `bytes` TCP FINs"},
    {4, IOS,
	"<189>`seq`: `host`: `t`: %LINK-3-UPDOWN: Interface "
	"GigabitEthernet1/0/`n2`, changed state to up"},
    {4, IOS,
	"<190>`seq`: `host`: `t`: %SEC-6-IPACCESSLOGP: list `n3` denied tcp "
	"`xip`(`port`) -> `sip`(`dport`), `n2` packets"},
    {15, FORTI,
	"<189>`t` devname=\"`host`\" devid=\"FGT60F`n6`\" sessionid=`seq` "
	"logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" "
	"level=\"notice\" srcip=`sip` srcport=`port` dstip=`xip` "
	"dstport=`dport` policyid=`n3` action=\"close\" sentbyte=`bytes` "
	"rcvdbyte=`bytes` poluuid=\"`tmid`\""},
    {14, PALO,
	"<14>`t` `host` 1,0123010`n5`,TRAFFIC,end,2561,any,0,`seq`,0x80000"
	"00000000000,`sip`,`xip`,0.0.0.0,0.0.0.0,rule-`n3`,,,ssl,vsys1,trust,"
	"untrust,ethernet1/1,ethernet1/2,`n6`,1,`port`,`dport`,tcp,allow,"
	"`bytes`,`bytes`,`n5`,`tmid`"},
    {0, LINUX, NULL},
};

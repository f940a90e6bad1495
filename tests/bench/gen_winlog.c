/* SPDX-License-Identifier: Apache-2.0 */
/* Winlogbeat in ECS shape, with the fields that sites keep: drop_fields. */
#include "tests/bench/gen_impl.h"

#define PC GEN_CLASS_PC, GEN_FORM_ISO
#define HEAD(channel, id)                                  \
	"{'@timestamp':'`t`','winlog':{'record_id':`seq`," \
	"'channel':'" channel "','event_id':" id ",'event_data':{"
#define TAIL "}},'host':{'name':'`host`'},'agent':{'id':'`tmid`'}}"
#define SECURITY(id) HEAD("Security", id)
#define SYSMON(id) HEAD("Microsoft-Windows-Sysmon/Operational", id)

const struct gen_row gen_winlog_rows[] = {
    {16, PC,
	SECURITY("4624") "'TargetUserName':'`user`',"
			 "'TargetDomainName':'`domain`',"
			 "'TargetLogonId':'0x`hex8`','LogonType':'3',"
			 "'IpAddress':'`sip`','IpPort':'`port`',"
			 "'LogonGuid':'{`GUID`}'" TAIL},
    {10, PC,
	SECURITY("4625") "'TargetUserName':'`user`',"
			 "'TargetDomainName':'`domain`',"
			 "'Status':'0xc000006d','SubStatus':'0xc000006a',"
			 "'LogonType':'3','IpAddress':'`sip`',"
			 "'IpPort':'`port`'" TAIL},
    {14, PC,
	SECURITY("4634") "'TargetUserSid':'`sid`','TargetUserName':'`user`',"
			 "'TargetLogonId':'0x`hex8`','LogonType':'3'" TAIL},
    {8, PC,
	SECURITY("4688") "'SubjectUserName':'`user`',"
			 "'SubjectLogonId':'0x`hex8`',"
			 "'NewProcessId':'0x`hex4`',"
			 "'NewProcessName':'`proc`',"
			 "'ParentProcessName':'`parent`'" TAIL},
    {8, PC,
	SECURITY("5156") "'ProcessID':'`pid`','Application':'`pname`',"
			 "'SourceAddress':'`ip`','SourcePort':'`port`',"
			 "'DestAddress':'`xip`','DestPort':'`dport`',"
			 "'Protocol':'6'" TAIL},
    {9, PC,
	SYSMON("1") "'ProcessGuid':'{`pguid`}','ProcessId':'`pid`',"
		    "'Image':'`proc`','CommandLine':'`cmd`',"
		    "'User':'`duser`','Hashes':'SHA256=`psha256`'" TAIL},
    {14, PC,
	SYSMON("3") "'ProcessGuid':'{`pguid`}','ProcessId':'`pid`',"
		    "'Image':'`proc`','SourceIp':'`ip`',"
		    "'SourcePort':'`port`','DestinationIp':'`xip`',"
		    "'DestinationPort':'`dport`','UtcTime':'`utc`'" TAIL},
    {10, PC,
	SYSMON("11") "'ProcessGuid':'{`pguid`}','Image':'`proc`',"
		     "'TargetFilename':'`file`'" TAIL},
    {6, PC,
	SYSMON("23") "'ProcessGuid':'{`pguid`}','User':'`duser`',"
		     "'TargetFilename':'`file`',"
		     "'Hashes':'SHA256=`sha256`'" TAIL},
    {8, PC,
	SYSMON("22") "'ProcessGuid':'{`pguid`}','QueryName':'`site`',"
		     "'QueryResults':'::ffff:`xip`;','Image':'`proc`'" TAIL},
    {0, PC, NULL},
};

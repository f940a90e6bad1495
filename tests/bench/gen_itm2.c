/* SPDX-License-Identifier: Apache-2.0 */
/*
 * InfoTrace Mark II: a header of 29 bytes, then key=value pairs, values with
 * blanks in double quotes and quotes in them doubled; CR LF ends a line.
 */
#include "tests/bench/gen_impl.h"

#define HEAD "`t` type=ITM2 sn=`seq` tmid=`tmid` "
#define WHO "csid=`sid` com=`host` usr='`duser`' "
#define PC GEN_CLASS_PC, GEN_FORM_ITM2

/* The first row begins gen_itm2_huge and is never drawn by lot. */
const struct gen_row gen_itm2_rows[] = {
    {0, PC,
	HEAD "evt=powerShell subEvt=script com=`host` usr='`duser`' "
	     "psID=`pid` blockID=`guid` script='"},
    {20, PC,
	HEAD "evt=ps subEvt=start com=`host` usr='`duser`' "
	     "psPath='`proc`' psID=`pid` parentID=`pid` cmd='`cmd`' "
	     "sha256=`psha256` md5=`pmd5`\r"},
    {10, PC,
	HEAD "evt=ps subEvt=stop com=`host` usr='`duser`' psPath='`proc`' "
	     "psID=`pid` exit=0\r"},
    {22, PC,
	HEAD "evt=net subEvt=connect com=`host` usr='`duser`' "
	     "psPath='`proc`' proto=TCP "
	     "srcIP=`ip` srcPort=`port` dstIP=`xip` dstPort=`dport` "
	     "dstHost=`site` send=`bytes` recv=`bytes`\r"},
    {13, PC,
	HEAD "evt=file subEvt=close com=`host` usr='`duser`' "
	     "psPath='`proc`' psID=`pid` path='`file`' size=`bytes` "
	     "sha256=`sha256`\r"},
    {6, PC,
	HEAD "evt=file subEvt=rename com=`host` usr='`duser`' "
	     "psPath='`proc`' path='`file`' newPath='`file`'\r"},
    {10, PC,
	HEAD "evt=reg subEvt=setVal com=`host` usr='`duser`' psPath='`proc`' "
	     "psID=`pid` path='`reg`' entry='{`GUID`}' type=REG_BINARY "
	     "data=0x`hex16`\r"},
    {6, PC,
	HEAD "evt=os subEvt=status com=`host` ip=`ip` mac=`mac` "
	     "os='Windows 11 Pro' build=22631.`n4` lang=ja-JP mem=`n5` "
	     "freeDisk=`bytes` up=`n6`\r"},
    {9, PC,
	HEAD "evt=session subEvt=logon " WHO
	     "logonID=0x`hex8` type=2 from=`sip` auth=Kerberos\r"},
    {14, PC,
	HEAD "evt=win subEvt=active com=`host` usr='`duser`' "
	     "psPath='`proc`' psGUID={`GUID`} "
	     "title='`title` `doc`'\r"},
    {6, PC,
	HEAD "evt=powerShell subEvt=script com=`host` usr='`duser`' "
	     "psID=`pid` blockID=`guid` script='`script` $x=`n5`; "
	     "`script`'\r"},
    {0, PC, NULL},
};

/* The script goes on, line after line, until it fills the record. */
uint8_t *
gen_itm2_huge(struct gen *g, uint8_t *p, size_t size)
{
	uint8_t *end = p + size - 2; /* the quote and the CR */

	p = gen_template_run(g, &g->sets[GEN_KIND_ITM2].programs[0], p);
	while (end - p > 256) {
		p = gen_put_list(g, p, GEN_LIST_SCRIPT);
		p = gen_put_mem(p, " $v = ", 6);
		p = gen_template_decimal(p, gen_rand(g));
		p = gen_put_mem(p, "; ", 2);
	}
	while (p < end)
		*p++ = '#';
	return gen_put_mem(p, "\"\r", 2);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand between backticks in the template tables. */
#include "tests/bench/gen_impl.h"

static const char lower[] = "0123456789abcdef";
static const char upper[] = "0123456789ABCDEF";

static uint8_t *
put_hex(struct gen *g, uint8_t *p, size_t digits, const char *alphabet)
{
	while (digits > 0) {
		uint64_t r = gen_rand(g);

		for (size_t i = 0; i < 16 && digits > 0; i++, digits--) {
			*p++ = (uint8_t)alphabet[r & 15];
			r >>= 4;
		}
	}
	return p;
}

static uint8_t *
put_number(struct gen *g, uint8_t *p, uint32_t first, uint32_t n)
{
	return gen_template_decimal(p, first + gen_below(g, n));
}

/* A random GUID of version 4. */
static uint8_t *
put_guid(struct gen *g, uint8_t *p, const char *alphabet)
{
	uint8_t *start = p;

	p = put_hex(g, p, 36, alphabet);
	start[8] = start[13] = start[18] = start[23] = '-';
	start[14] = '4';
	start[19] = (uint8_t)alphabet[8 + (gen_rand(g) & 3)];
	return p;
}

static uint8_t *
put_quote(const struct gen *g, uint8_t *p)
{
	if (g->style == GEN_STYLE_JSON)
		*p++ = '\\';
	if (g->style == GEN_STYLE_ITM2)
		*p++ = '"';
	*p++ = '"';
	return p;
}

static uint8_t *
put_backslash(const struct gen *g, uint8_t *p)
{
	if (g->style == GEN_STYLE_JSON)
		*p++ = '\\';
	*p++ = '\\';
	return p;
}

static uint8_t *
field_t(struct gen *g, uint8_t *p)
{
	g->at.time_at = (uint16_t)(p - g->out);
	return gen_patch_time(p, g->form, g->now_ns);
}

static uint8_t *
field_seq(struct gen *g, uint8_t *p)
{
	g->at.seq_at = (uint16_t)(p - g->out);
	return gen_patch_seq(p, g->seq);
}

static uint8_t *
field_host(struct gen *g, uint8_t *p)
{
	return gen_put_mem(p, g->host->name, g->host->name_len);
}

static uint8_t *
field_ip(struct gen *g, uint8_t *p)
{
	return gen_put_mem(p, g->host->ip, g->host->ip_len);
}

static uint8_t *
field_tmid(struct gen *g, uint8_t *p)
{
	return gen_put_mem(p, g->host->guid, 36);
}

static uint8_t *
field_sid(struct gen *g, uint8_t *p)
{
	p = gen_put_mem(p, g->host->sid, g->host->sid_len);
	return gen_template_decimal(p, g->user->rid);
}

static uint8_t *
field_domain(struct gen *g, uint8_t *p)
{
	return gen_put_text(
	    g, p, &g->words[GEN_LIST_DOMAIN].text[g->host->domain]);
}

static uint8_t *
field_user(struct gen *g, uint8_t *p)
{
	return gen_put_text(g, p, &g->user->name);
}

static uint8_t *
field_duser(struct gen *g, uint8_t *p)
{
	p = put_backslash(g, field_domain(g, p));
	return field_user(g, p);
}

static uint8_t *
field_proc(struct gen *g, uint8_t *p)
{
	return gen_put_text(g, p, &g->words[GEN_LIST_PROC].text[g->proc]);
}

static uint8_t *
field_parent(struct gen *g, uint8_t *p)
{
	return gen_put_text(g, p, &g->words[GEN_LIST_PROC].text[g->parent]);
}

/* The last part of the process path. */
static uint8_t *
field_pname(struct gen *g, uint8_t *p)
{
	const struct gen_text *t = &g->words[GEN_LIST_PROC].text[g->proc];
	const uint8_t *end = t->ptr[GEN_STYLE_PLAIN] + t->len[GEN_STYLE_PLAIN];
	const uint8_t *from = end;

	while (from > t->ptr[GEN_STYLE_PLAIN] && from[-1] != '\\')
		from--;
	return gen_put_mem(p, from, (size_t)(end - from));
}

/* C:\Users\NAME\FOLDER\DOC_1234.EXT */
static uint8_t *
field_file(struct gen *g, uint8_t *p)
{
	p = gen_put_mem(p, "C:", 2);
	p = gen_put_mem(put_backslash(g, p), "Users", 5);
	p = field_user(g, put_backslash(g, p));
	p = gen_put_list(g, put_backslash(g, p), GEN_LIST_FOLDER);
	p = gen_put_list(g, put_backslash(g, p), GEN_LIST_DOC);
	*p++ = '_';
	p = put_number(g, p, 100, 9900);
	return gen_put_list(g, p, GEN_LIST_EXT);
}

/* "PROCESS" arguments */
static uint8_t *
field_cmd(struct gen *g, uint8_t *p)
{
	p = field_proc(g, put_quote(g, p));
	p = put_quote(g, p);
	*p++ = ' ';
	p = gen_put_list(g, p, GEN_LIST_ARGS);
	*p++ = ' ';
	if (gen_below(g, 4) == 0) {
		p = field_file(g, put_quote(g, p));
		return put_quote(g, p);
	}
	return put_number(g, p, 1000, 9000000);
}

/* The hash of a program file: few per program, as installed versions are. */
static uint8_t *
put_program_hash(struct gen *g, uint8_t *p, size_t digits)
{
	uint64_t x = (uint64_t)g->proc * 4 + g->version;
	x = x * 64 + digits;

	for (size_t i = 0; i < digits; i += 16) {
		uint64_t r = gen_splitmix(&x);

		for (size_t k = 0; k < 16; k++, r >>= 4)
			*p++ = (uint8_t)upper[r & 15];
	}
	return p;
}

static uint8_t *
field_psha256(struct gen *g, uint8_t *p)
{
	return put_program_hash(g, p, 64);
}

static uint8_t *
field_pmd5(struct gen *g, uint8_t *p)
{
	return put_program_hash(g, p, 32);
}

static uint8_t *
put_private(struct gen *g, uint8_t *p, uint32_t nets)
{
	p = gen_put_mem(p, "10.", 3);
	p = gen_template_decimal(p, gen_skewed(g, nets));
	*p++ = '.';
	p = put_number(g, p, 0, 256);
	*p++ = '.';
	return put_number(g, p, 1, 254);
}

static uint8_t *
field_sip(struct gen *g, uint8_t *p)
{
	return put_private(g, p, 64);
}

/* A stranger's address; every other time that of a few everybody knows. */
static uint8_t *
field_xip(struct gen *g, uint8_t *p)
{
	uint64_t x = gen_below(g, 64);
	uint64_t r = gen_below(g, 2) ? gen_rand(g) : gen_splitmix(&x);

	p = gen_template_decimal(p, 11 + (r & 127));
	for (int i = 0; i < 3; i++) {
		r >>= 8;
		*p++ = '.';
		p = gen_template_decimal(p, 1 + r % 253);
	}
	return p;
}

static uint8_t *
field_mac(struct gen *g, uint8_t *p)
{
	uint8_t *start = p;

	p = put_hex(g, p, 17, lower);
	for (int i = 2; i < 17; i += 3)
		start[i] = ':';
	return p;
}

static uint8_t *
field_dport(struct gen *g, uint8_t *p)
{
	static const uint16_t ports[] = {443, 443, 443, 80, 53, 445, 389, 88,
	    3389, 8080, 135, 22, 25, 993, 5985, 8443};

	return gen_template_decimal(p, ports[gen_below(g, 16)]);
}

/* 1..14 digits, the short numbers as often as the long: bytes sent. */
static uint8_t *
field_bytes(struct gen *g, uint8_t *p)
{
	unsigned bits = 6 + gen_below(g, 20);

	return gen_template_decimal(p, gen_rand(g) >> (64 - bits));
}

static uint8_t *
field_utc(struct gen *g, uint8_t *p)
{
	p = gen_patch_time(p, GEN_FORM_ISO, g->now_ns);
	p[-14] = ' '; /* for the T */
	return p - 1; /* without the Z */
}

/* Sysmon's: the machine, the start of the process, a token. */
static uint8_t *
field_pguid(struct gen *g, uint8_t *p)
{
	p = gen_put_mem(p, g->host->guid, 8);
	*p++ = '-';
	p = put_hex(g, p, 4, lower);
	p = gen_put_mem(p, "-69a3-", 6);
	p = put_hex(g, p, 4, lower);
	p = gen_put_mem(p, "-000000", 7);
	p = put_hex(g, p, 4, lower);
	return gen_put_mem(p, "00", 2);
}

#define NUMBER(name, first, n)                                  \
	static uint8_t *field_##name(struct gen *g, uint8_t *p) \
	{                                                       \
		return put_number(g, p, first, n);              \
	}
NUMBER(n2, 1, 99)
NUMBER(n3, 1, 999)
NUMBER(n4, 1, 9999)
NUMBER(n5, 10000, 90000)
NUMBER(n6, 100000, 900000)
NUMBER(n9, 100000000, 900000000)
NUMBER(pid, 300, 32000)
NUMBER(port, 49152, 16384)
NUMBER(sec, 10, 50)
NUMBER(micro, 100000, 900000)

#define HEX(name, digits, alphabet)                             \
	static uint8_t *field_##name(struct gen *g, uint8_t *p) \
	{                                                       \
		return put_hex(g, p, digits, alphabet);         \
	}
HEX(hex4, 4, lower)
HEX(hex8, 8, lower)
HEX(hex16, 16, lower)
HEX(md5, 32, lower)
HEX(sha256, 64, lower)

#define LIST(name, list)                                        \
	static uint8_t *field_##name(struct gen *g, uint8_t *p) \
	{                                                       \
		return gen_put_list(g, p, list);                \
	}
LIST(reg, GEN_LIST_REG)
LIST(title, GEN_LIST_TITLE)
LIST(site, GEN_LIST_SITE)
LIST(script, GEN_LIST_SCRIPT)
LIST(login, GEN_LIST_LOGIN)
LIST(page, GEN_LIST_PAGE)
LIST(doc, GEN_LIST_DOC)

static uint8_t *
field_guid(struct gen *g, uint8_t *p)
{
	return put_guid(g, p, lower);
}

static uint8_t *
field_GUID(struct gen *g, uint8_t *p)
{
	return put_guid(g, p, upper);
}

#define FIELD(name)                 \
	{                           \
#name, field_##name \
	}
static const struct {
	const char *name;
	gen_put *put;
} fields[] = {FIELD(t), FIELD(seq), FIELD(host), FIELD(ip), FIELD(tmid),
    FIELD(sid), FIELD(domain), FIELD(user), FIELD(duser), FIELD(proc),
    FIELD(parent), FIELD(pname), FIELD(file), FIELD(cmd), FIELD(psha256),
    FIELD(pmd5), FIELD(sip), FIELD(xip), FIELD(mac), FIELD(dport), FIELD(bytes),
    FIELD(utc), FIELD(pguid), FIELD(n2), FIELD(n3), FIELD(n4), FIELD(n5),
    FIELD(n6), FIELD(n9), FIELD(pid), FIELD(port), FIELD(sec), FIELD(micro),
    FIELD(hex4), FIELD(hex8), FIELD(hex16), FIELD(md5), FIELD(sha256),
    FIELD(reg), FIELD(title), FIELD(site), FIELD(script), FIELD(login),
    FIELD(page), FIELD(doc), FIELD(guid), FIELD(GUID)};

gen_put *
gen_fields_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) == len &&
		    !memcmp(fields[i].name, name, len))
			return fields[i].put;
	}
	return NULL;
}

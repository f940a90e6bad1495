/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents against the code: each message's layout stands in its
 * document as the table of fields has it, and the hexadecimal examples stand
 * in the golden files.  With LAYOUT_PRINT=1 the lines are printed.
 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/entry.h"
#include "lib/codec/ipc.h"
#include "lib/codec/layout.h"

static char *
read_document(const char *path)
{
	const char *top = getenv("TOP_SRCDIR");
	char name[1024];
	struct buf b;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", top ? top : ".", path);
	buf_init(&b, 1 << 20);
	f = fopen(name, "r");
	if (!f)
		fail_msg("%s is not there", name);
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		buf_add_u8(&b, (uint8_t)c);
	buf_add_u8(&b, 0);
	fclose(f);
	return (char *)b.mem;
}

static void
add_form(struct buf *b, const struct field *f)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_U8:
	case FIELD_BE16:
	case FIELD_BE32:
	case FIELD_BE64:
	case FIELD_LE64:
		buf_add_fmt(b, "%c%d", f->is_signed ? 'i' : 'u',
		    f->kind == FIELD_U8		? 8
			: f->kind == FIELD_BE16 ? 16
			: f->kind == FIELD_BE32 ? 32
						: 64);
		break;
	case FIELD_BOOL:
		buf_add_str(b, "bool");
		break;
	case FIELD_VAR32:
	case FIELD_VAR64:
		buf_add_str(b, "varint");
		break;
	case FIELD_RAW:
		buf_add_fmt(b, "%u bytes", f->max);
		break;
	case FIELD_STRING:
		buf_add_fmt(b, "string %u", f->max);
		break;
	case FIELD_TEXT:
		buf_add_fmt(b, "text %u", f->max);
		break;
	case FIELD_REST:
		buf_add_str(b, "rest");
		break;
	case FIELD_IVSET:
		buf_add_str(b, "set");
		break;
	case FIELD_END:
		break;
	}
}

/* "NAME number: field form, field form" must stand in the document. */
static void
check(const char *document, const char *name, unsigned number,
    const struct field *f)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_add_fmt(&line, "%s %u:", name, number);
	for (; f->kind != FIELD_END; f++) {
		buf_add_fmt(&line, " %s ", f->name);
		add_form(&line, f);
		if (f[1].kind != FIELD_END)
			buf_add_u8(&line, ',');
	}
	buf_add_u8(&line, '\n');
	buf_add_u8(&line, 0);
	if (getenv("LAYOUT_PRINT"))
		printf("%s", (char *)line.mem);
	else if (!strstr(document, (char *)line.mem))
		fail_msg("not in the document: %s", (char *)line.mem);
	buf_fini(&line);
}

static void
the_agentlink_document_has_every_layout(void **state)
{
	char *document = read_document("doc/protocol-agentlink.md");

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (agentlink_msg_fields((uint8_t)type))
			check(document, agentlink_type_name((uint8_t)type),
			    type, agentlink_msg_fields((uint8_t)type));
	free(document);
}

static void
the_agentlink_document_has_every_code(void **state)
{
	char *document = read_document("doc/protocol-agentlink.md");
	char row[256];

	(void)state;
#define X(name, value, text)                                                  \
	snprintf(row, sizeof(row), "\n| %d | %s | %s |", value, #name, text); \
	if (!strstr(document, row))                                           \
		fail_msg("not in the document: %s", row);
	AGENTLINK_CODE_LIST(X)
#undef X
	free(document);
}

static void
the_ipc_document_has_every_layout(void **state)
{
	char *document = read_document("doc/protocol-ipc.md");

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (ipc_fields((uint16_t)type))
			check(document, ipc_type_name((uint16_t)type), type,
			    ipc_fields((uint16_t)type));
	free(document);
}

static void
the_entries_document_has_every_layout(void **state)
{
	char *document = read_document("doc/format-entries.md");

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (entry_fields((uint16_t)type))
			check(document, entry_type_name(type), type,
			    entry_fields((uint16_t)type));
	free(document);
}

/* Every line of the document that is hexadecimal alone is a golden one. */
static void
the_examples_are_the_golden_bytes(void **state)
{
	char *document = read_document("doc/protocol-agentlink.md");
	char *golden = read_document("tests/golden/agentlink-1.hex");
	unsigned lines = 0;
	char *save = NULL;

	(void)state;
	for (char *line = strtok_r(document, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		size_t n = strspn(line, "0123456789abcdef");

		if (n < 16 || line[n])
			continue;
		lines++;
		if (!strstr(golden, line))
			fail_msg("not golden: %s", line);
	}
	assert_true(lines > 10);
	free(golden);
	free(document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_agentlink_document_has_every_layout),
	    cmocka_unit_test(the_agentlink_document_has_every_code),
	    cmocka_unit_test(the_ipc_document_has_every_layout),
	    cmocka_unit_test(the_entries_document_has_every_layout),
	    cmocka_unit_test(the_examples_are_the_golden_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

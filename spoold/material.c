/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/material.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "lib/codec/deny.h"
#include "lib/config/load.h"
#include "lib/config/problem.h"
#include "lib/config/roleconf.h"
#include "lib/tls/tls.h"

#define KEY_TEXT_MAX 160
#define TEXT_MAX (PATH_MAX + 512)
#define KEY_BYTES 32 /* of the key at rest */

struct material {
	const struct config *c;
	const struct schema *schema;
	int64_t now_s;
	struct problem_list errors, warnings;
};

/* A key of the top (item has no name), of a listener or of a target. */
struct spot {
	const struct schema_group *group;
	const struct schema_item *item;
	const char *key;
};

/* A file that was read; `is_good` is false when that failed and was said. */
struct file {
	struct spot spot;
	struct buf bytes;
	bool is_good;
};

/* The spool's identity serves many: one line about it is enough. */
static bool
is_said(const struct problem_list *list, struct schema_place at)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->problems[i].at.line == at.line &&
		    list->problems[i].at.column == at.column)
			return true;
	return false;
}

static void
say(struct problem_list *list, const struct spot *s, const char *wrong,
    const char *allowed)
{
	struct schema_place at = schema_place_of(s->group, s->item, s->key);
	char key[KEY_TEXT_MAX];

	if (is_said(list, at))
		return;
	if (s->item->name)
		snprintf(key, sizeof(key), "%s.%s.%s", s->group->key,
		    s->item->name, s->key);
	else
		snprintf(key, sizeof(key), "%s", s->key);
	problem_add(list, at, key, wrong, allowed, NULL);
}

/* With the path before it. */
static void
say_of(struct problem_list *list, const struct spot *s, const char *path,
    const char *wrong, const char *allowed)
{
	char text[TEXT_MAX];

	snprintf(text, sizeof(text), "%s: %s", path, wrong);
	say(list, s, text, allowed);
}

/* ---- files
 * ----------------------------------------------------------------------- */

static void
file_close(struct file *f)
{
	if (f->bytes.mem)
		explicit_bzero(f->bytes.mem, f->bytes.cap);
	buf_fini(&f->bytes);
}

/* A path that is not set is no error: an empty file. */
static void
file_open(
    struct material *m, struct spot spot, const char *path, struct file *f)
{
	int rc = 0;

	*f = (struct file){.spot = spot};
	buf_init(&f->bytes, ROLECONF_FILE_MAX);
	if (path)
		rc = load_file(path, &f->bytes);
	f->is_good = !rc;
	if (rc == ERR_NOMEM)
		m->errors.err = rc;
	else if (rc == ERR_LIMIT)
		say_of(&m->errors, &spot, path, "too long",
		    "a file of at most 512KiB");
	else if (rc)
		say_of(&m->errors, &spot, path,
		    errno == EINVAL ? "not a regular file" : strerror(errno),
		    "a file that can be read");
}

/* Those of the group may be meant to. */
static void
check_secret(struct material *m, const struct spot *spot, const char *path)
{
	struct stat st;

	if (path && !stat(path, &st) && (st.st_mode & S_IROTH))
		say_of(&m->warnings, spot, path, "every user can read it",
		    "for a private key, mode 0600 or 0640");
}

/* ---- TLS
 * ------------------------------------------------------------------------- */

/* One side of connections: what it shows, and whom it believes. */
struct side {
	const struct schema_group *group;
	const struct schema_item *item;
	const char *certificate, *key; /* paths, of its own, or NULL */
	const char *ca_key, *ca;
	const char *crl; /* NULL: none */
	bool is_server;
	bool shows_identity; /* spool:spool:UUID */
};

struct side_files {
	struct file cert, key, ca, crl;
};

/* Its own certificate, else that of the spool. */
static void
open_own(struct material *m, const struct side *side, struct side_files *f)
{
	const struct schema_group *top = m->schema->top;
	bool is_own = side->certificate != NULL;
	const char *certificate =
	    is_own ? side->certificate : m->c->identity_certificate;
	const char *key = is_own ? side->key : m->c->identity_key;
	struct spot cert_spot = {top, &m->c->item, "identity.certificate"};
	struct spot key_spot = {top, &m->c->item, "identity.key"};

	if (is_own) {
		cert_spot =
		    (struct spot){side->group, side->item, "certificate"};
		key_spot = (struct spot){side->group, side->item, "key"};
	}
	file_open(m, cert_spot, certificate, &f->cert);
	file_open(m, key_spot, key, &f->key);
	check_secret(m, &key_spot, key);
}

static void
open_files(struct material *m, const struct side *side, struct side_files *f)
{
	open_own(m, side, f);
	file_open(m, (struct spot){side->group, side->item, side->ca_key},
	    side->ca, &f->ca);
	file_open(m, (struct spot){side->group, side->item, "crl"}, side->crl,
	    &f->crl);
	/* The library takes no list as one that is not wanted. */
	if (side->crl && f->crl.is_good && !f->crl.bytes.len) {
		f->crl.is_good = false;
		say_of(&m->errors, &f->crl.spot, side->crl, "empty",
		    "revocation lists in PEM");
	}
}

static void
close_files(struct side_files *f)
{
	file_close(&f->cert);
	file_close(&f->key);
	file_close(&f->ca);
	file_close(&f->crl);
}

static void
say_refused(struct material *m, const struct side_files *f,
    const struct tls_config *tls)
{
	const char *why = tls_config_why(tls);

	switch (tls_config_wrong(tls)) {
	case TLS_CONFIG_PART_KEY:
		say(&m->errors, &f->key.spot, why,
		    "the certificate's private key, in PEM, not encrypted");
		break;
	case TLS_CONFIG_PART_CA:
		say(&m->errors, &f->ca.spot, why, "certificates in PEM");
		break;
	case TLS_CONFIG_PART_CRL:
		say(&m->errors, &f->crl.spot, why, "revocation lists in PEM");
		break;
	default:
		say(&m->errors, &f->cert.spot, why,
		    "a certificate in PEM, then its intermediates");
		break;
	}
}

/* What is believed is good: does it say what it must, and still hold? */
static void
check_shown(struct material *m, const struct side *side,
    const struct side_files *f, const struct tls_config *tls)
{
	char when[CLOCK_TEXT_SIZE], text[TEXT_MAX];
	int64_t end_s = tls_config_expires(tls);
	enum tls_identity kind;
	struct uuid id;

	if (side->shows_identity &&
	    (tls_own_identity(tls, &kind, &id) || kind != TLS_IDENTITY_SPOOL))
		say(&m->errors, &f->cert.spot, "shows no identity of a spool",
		    "a certificate with exactly one URI among its subject "
		    "alternative names, spool:spool:UUID");
	if (end_s > m->now_s)
		return;
	snprintf(text, sizeof(text), "the certificate expired at %s",
	    clock_format(end_s * 1000000000, when));
	say(&m->warnings, &f->cert.spot, text, "a certificate that is valid");
}

static void
check_side(struct material *m, const struct side *side)
{
	struct tls_config_settings settings = {
	    .side = side->is_server ? TLS_CONFIG_SERVER : TLS_CONFIG_CLIENT,
	    .verify = TLS_CONFIG_REQUIRED,
	};
	struct tls_config *tls = NULL;
	struct side_files f;
	int rc;

	open_files(m, side, &f);
	settings.cert_pem = buf_bytes(&f.cert.bytes);
	settings.key_pem = buf_bytes(&f.key.bytes);
	settings.ca_pem = buf_bytes(&f.ca.bytes);
	settings.crl_pem = buf_bytes(&f.crl.bytes);
	if (f.cert.is_good && f.key.is_good && f.ca.is_good && f.crl.is_good) {
		rc = tls_config_new(&tls);
		if (rc)
			m->errors.err = rc;
		else if (tls_config_load(tls, &settings))
			say_refused(m, &f, tls);
		else
			check_shown(m, side, &f, tls);
	}
	tls_config_free(tls);
	close_files(&f);
}

/* ---- what has such files
 * ------------------------------------------------------------------------- */

static void
check_deny(struct material *m, const struct config_listener *l)
{
	struct spot spot = {&m->schema->maps[0], &l->item, "deny_list"};
	struct deny deny = {0};
	char text[KEY_TEXT_MAX];
	struct file f;
	size_t line;
	int rc = 0;

	file_open(m, spot, l->deny_list, &f);
	if (f.is_good)
		rc = deny_parse(buf_bytes(&f.bytes), &deny, &line);
	if (rc == ERR_NOMEM) {
		m->errors.err = rc;
	} else if (rc == ERR_LIMIT) {
		say_of(&m->errors, &spot, l->deny_list, "too many lines",
		    "at most 1000000");
	} else if (rc) {
		snprintf(text, sizeof(text),
		    "line %zu is neither a UUID nor a SHA-256", line);
		say_of(&m->errors, &spot, l->deny_list, text,
		    "an agent's UUID or a certificate's SHA-256 a line, and "
		    "comments after #");
	}
	deny_fini(&deny);
	file_close(&f);
}

static void
check_listener(struct material *m, const struct config_listener *l)
{
	struct side side = {
	    .group = &m->schema->maps[0],
	    .item = &l->item,
	    .certificate = l->certificate,
	    .key = l->key,
	    .ca_key = "client_ca",
	    .ca = l->client_ca,
	    .crl = l->crl,
	    .is_server = true,
	    .shows_identity = true,
	};

	check_side(m, &side);
	check_deny(m, l);
}

static void
check_target(struct material *m, const struct config_target *t)
{
	struct side side = {
	    .group = &m->schema->maps[1],
	    .item = &t->item,
	    .certificate = t->certificate,
	    .key = t->key,
	    .ca_key = "ca",
	    .ca = t->ca,
	    .shows_identity = t->protocol == WORD_CHAIN,
	};

	if (t->protocol == WORD_CHAIN ||
	    (t->protocol == WORD_SYSLOG && t->transport == WORD_TLS))
		check_side(m, &side);
}

static void
check_group(
    struct material *m, const char *key, const struct value_strings *names)
{
	struct spot spot = {m->schema->top, &m->c->item, key};
	char text[KEY_TEXT_MAX];

	for (size_t i = 0; i < names->count; i++) {
		if (getgrnam(names->item[i]))
			continue;
		snprintf(
		    text, sizeof(text), "there is no group %s", names->item[i]);
		say(&m->errors, &spot, text, "groups of this machine");
	}
}

/* 32 bytes, or 64 hexadecimal digits and perhaps a line end. */
static bool
is_key(struct bytes text)
{
	uint8_t key[KEY_BYTES];
	bool is_good;

	if (text.len == sizeof(key))
		return true;
	while (text.len > 2 * sizeof(key) &&
	    (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
		text.len--;
	is_good = text.len == 2 * sizeof(key) &&
	    !uuid_hex_parse(text, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return is_good;
}

static void
check_encryption(struct material *m)
{
	const struct value_key *key = &m->c->spool_encryption_key;
	struct spot spot = {
	    m->schema->top, &m->c->item, "spool.encryption.key"};
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	struct file f;

	if (key->form == VALUE_KEY_CREDENTIAL && (!directory || !*directory)) {
		say(&m->errors, &spot, "CREDENTIALS_DIRECTORY is not set",
		    "credential: only in a unit with LoadCredential=");
		return;
	}
	if (key->form == VALUE_KEY_CREDENTIAL)
		snprintf(path, sizeof(path), "%s/%s", directory, key->text);
	else if (key->form == VALUE_KEY_FILE)
		snprintf(path, sizeof(path), "%s", key->text);
	else
		return;
	file_open(m, spot, path, &f);
	if (f.is_good && !is_key(buf_bytes(&f.bytes)))
		say_of(&m->errors, &spot, path, "not a key",
		    "32 bytes, or 64 hexadecimal digits");
	check_secret(m, &spot, path);
	file_close(&f);
}

static int
finish(struct problem_list *list, struct buf *lines)
{
	char *text = NULL;
	int rc = problem_lines(list, &text);

	if (!rc) {
		buf_add_str(lines, text);
		rc = lines->err;
	}
	free(text);
	return rc;
}

int
material_check(const struct config *c, int64_t now_s, struct buf *errors,
    struct buf *warnings)
{
	struct material m = {.c = c, .schema = config_schema(), .now_s = now_s};
	int rc;

	problem_init(&m.errors, c->file);
	problem_init(&m.warnings, c->file);
	check_encryption(&m);
	check_group(&m, "control.viewers", &c->control_viewers);
	check_group(&m, "control.operators", &c->control_operators);
	check_group(&m, "control.admins", &c->control_admins);
	check_group(&m, "control.readers", &c->control_readers);
	for (size_t i = 0; i < c->listener_count; i++)
		check_listener(&m, &c->listeners[i]);
	for (size_t i = 0; i < c->target_count; i++)
		check_target(&m, &c->targets[i]);
	rc = finish(&m.errors, errors);
	if (!rc)
		rc = finish(&m.warnings, warnings);
	if (!rc && m.errors.count)
		rc = ERR_INVAL;
	problem_fini(&m.errors);
	problem_fini(&m.warnings);
	return rc;
}

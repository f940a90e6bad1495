/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - /etc/spoold/spoold.yaml, checked and typed.
 *
 * Everything a file can say is a row of settings.def, from which the structs
 * below are made: `spool.quota` is spool_quota, `rotate.every` of a target
 * is rotate_every_ms.  A file is taken as a whole or refused with every error
 * at once, one line each:
 *     FILE:LINE:COLUMN: KEY: what is wrong; what is allowed (did you mean KEY?)
 * Only the supervisor and checking tools parse; other roles get what they
 * need from it as a kv (roleconf.h).
 */
#ifndef LIB_CONFIG_CONFIG_H
#define LIB_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/config/schema.h"
#include "lib/config/value.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20) /* bytes */
#define CONFIG_ITEMS_MAX 64 /* listeners, and targets */
#define CONFIG_QUOTA_MIN ((uint64_t)1 << 30) /* bytes */

struct config_listener {
	struct schema_item item; /* item.name is its name */
#define LISTENER(kind, field, ...) VALUE_TYPE_##kind field;
#include "lib/config/settings.def"
};

struct config_target {
	struct schema_item item; /* item.name is its name */
#define TARGET(kind, field, ...) VALUE_TYPE_##kind field;
#include "lib/config/settings.def"
};

struct config {
	struct schema_item item;
	size_t listener_count;
	struct config_listener *listeners; /* in the order of the file */
	size_t target_count;
	struct config_target *targets; /* in the order of the file */
	char *file; /* the name errors begin with */
	char *why;
#define TOP(kind, field, ...) VALUE_TYPE_##kind field;
#include "lib/config/settings.def"
};

/*
 * Parse and check; `name` is what error lines begin with.  0, or ERR_INVAL
 * when anything is wrong: *out then holds only config_why.  The caller owns
 * *out in both cases.  ERR_NOMEM leaves *out untouched.
 */
int config_parse(const char *name, struct bytes text, struct config **out);

/* The same for a file.  One that cannot be read is ERR_INVAL with its line. */
int config_load(const char *path, struct config **out);

void config_free(struct config *c);

/* All error lines, sorted, each with its LF; "" if there is none. */
const char *config_why(const struct config *c);

/* The whole configuration with every default, as config_parse reads it. */
void config_print(const struct config *c, struct buf *b);

/* The sample, etc/spoold.yaml: valid, each key with its text. */
void config_sample(struct buf *b);

/* The manual page spoold.yaml(5), in mdoc. */
void config_man(struct buf *b);

/*
 * The quota in bytes on a file system of total_bytes; ERR_RANGE if that is
 * below CONFIG_QUOTA_MIN.
 */
int config_quota_bytes(
    const struct config *c, uint64_t total_bytes, uint64_t *bytes);

/* The schema made from settings.def, for roleconf. */
const struct schema *config_schema(void);

#endif

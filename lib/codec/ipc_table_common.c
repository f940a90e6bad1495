/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisor and roles; forwarder and resolver. */
#include "lib/base/err.h"
#include "lib/codec/ipc_table.h"

#define FAMILY_4 4
#define FAMILY_6 6
#define ADDRESS_MAX 19 /* family, port, 16 bytes */

#define T struct ipc_hello
static const struct field hello[] = {
    FIELD(T, role, U8),
    FIELD(T, version, BE16),
    IPC_TABLE_STREAM(T, name),
    IPC_TABLE_STREAM(T, build),
    FIELD_LAST,
};
#undef T

#define T struct ipc_config
static const struct field config[] = {
    FIELD(T, generation, BE32),
    FIELD_UP_TO(T, kv, STRING, IPC_TABLE_KV_MAX),
    IPC_TABLE_WORDS(T, text),
    FIELD_LAST,
};
#undef T

#define T struct ipc_link
static const struct field link[] = {
    FIELD(T, role, U8),
    FIELD(T, slot, BE32),
    IPC_TABLE_NAME(T, name),
    FIELD_LAST,
};
#undef T

#define T struct ipc_fd
static const struct field fd[] = {
    FIELD(T, kind, U8),
    IPC_TABLE_STREAM(T, name),
    FIELD_LAST,
};
#undef T

#define T struct ipc_stop
static const struct field stop[] = {FIELD(T, deadline_ms, BE32), FIELD_LAST};
#undef T

#define T struct ipc_kv
static const struct field kv[] = {
    FIELD_UP_TO(T, kv, STRING, IPC_TABLE_KV_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_receivers
static const struct field receivers[] = {
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, slots, STRING, 4 * IPC_RECEIVERS_MAX),
    FIELD_LAST,
};
#undef T

#define T struct ipc_resolve
static const struct field resolve[] = {
    FIELD(T, id, BE32),
    IPC_TABLE_STREAM(T, host),
    FIELD(T, port, BE16),
    FIELD_LAST,
};
#undef T

#define T struct ipc_addresses
static const struct field addresses[] = {
    FIELD(T, id, BE32),
    FIELD(T, code, BE16),
    FIELD(T, n, BE32),
    FIELD_UP_TO(T, addresses, STRING, ADDRESS_MAX *IPC_ADDRESSES_MAX),
    IPC_TABLE_WORDS(T, text),
    FIELD_LAST,
};
#undef T

static const struct field nothing[] = {FIELD_LAST};

static int
verdict(bool good)
{
	return good ? 0 : ERR_FORMAT;
}

static int
check_hello(const struct ipc_msg *m)
{
	return verdict(m->u.hello.role < IPC_ROLES);
}

static int
check_link(const struct ipc_msg *m)
{
	return verdict(m->u.link.role < IPC_ROLES);
}

static int
check_fd(const struct ipc_msg *m)
{
	return verdict(
	    m->u.fd.kind >= IPC_FD_LISTENER && m->u.fd.kind <= IPC_FD_BLAME);
}

static int
check_receivers(const struct ipc_msg *m)
{
	return verdict(m->u.receivers.n <= IPC_RECEIVERS_MAX &&
	    m->u.receivers.slots.len == 4 * (size_t)m->u.receivers.n);
}

static int
check_resolve(const struct ipc_msg *m)
{
	return verdict(m->u.resolve.host.len);
}

static int
check_addresses(const struct ipc_msg *m)
{
	struct cursor c;

	cursor_init(&c, m->u.addresses.addresses);
	if (m->u.addresses.n > IPC_ADDRESSES_MAX)
		return ERR_FORMAT;
	for (uint32_t i = 0; i < m->u.addresses.n; i++) {
		uint8_t family = cursor_u8(&c);

		cursor_be16(&c);
		cursor_bytes(&c, family == FAMILY_4 ? 4 : 16);
		if (family != FAMILY_4 && family != FAMILY_6)
			return ERR_FORMAT;
	}
	return cursor_end(&c);
}

const struct ipc_table ipc_table_common[] = {
    {IPC_HELLO, hello, check_hello},
    {IPC_CONFIG_PREPARE, config, NULL},
    {IPC_CONFIG_READY, config, NULL},
    {IPC_CONFIG_REFUSED, config, NULL},
    {IPC_CONFIG_SWITCH, config, NULL},
    {IPC_LINK, link, check_link},
    {IPC_FD, fd, check_fd},
    {IPC_READY, nothing, NULL},
    {IPC_STOP, stop, NULL},
    {IPC_PING, nothing, NULL},
    {IPC_PONG, nothing, NULL},
    {IPC_STATUS, kv, NULL},
    {IPC_RECEIVERS, receivers, check_receivers},
    {IPC_RESOLVE, resolve, check_resolve},
    {IPC_ADDRESSES, addresses, check_addresses},
    {0, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* What no peer knows goes out now and then, and leaves the rest as it is. */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "agentlink/receiver/grease.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"

#define MESSAGES 20000

/* A frame of the types that never get a meaning. */
static void
is_grease(const struct agentlink_frame *f)
{
	struct agentlink_msg m;

	assert_int_equal(f->type & 0x0f, 0x0a);
	assert_true(f->type >= 0x5a);
	assert_int_equal(f->flags & AGENTLINK_CRITICAL, 0);
	assert_int_equal(agentlink_msg_decode(f, &m), ERR_UNSUPPORTED);
}

/* An ACK as it was; true if something hangs on it. */
static bool
is_the_ack(const struct agentlink_frame *f)
{
	struct agentlink_msg m;
	const uint8_t *tlv = f->payload.ptr + 16;

	assert_int_equal(agentlink_msg_decode(f, &m), 0);
	assert_int_equal(m.type, AGENTLINK_ACK);
	assert_int_equal(m.stream, 3);
	assert_int_equal(m.u.ack.seq, 77);
	assert_int_equal(m.u.ack.credit_batches, 5);
	if (f->payload.len == 16)
		return false;
	assert_int_equal(tlv[0], tlv[1]);
	assert_int_equal(tlv[0] & 0x8f, 0x0a);
	assert_int_equal(f->payload.len, 16u + 4 + tlv[3]);
	return true;
}

static void
a_message_keeps_its_meaning(void **state)
{
	struct agentlink_msg ack = {.type = AGENTLINK_ACK, .stream = 3};
	struct grease g = {.state = 5};
	int tlvs = 0, frames = 0;

	(void)state;
	ack.u.ack.seq = 77;
	ack.u.ack.credit_batches = 5;
	for (int i = 0; i < MESSAGES; i++) {
		struct agentlink_frame f;
		struct buf b;
		size_t used;

		buf_init(&b, AGENTLINK_FRAME_MAX);
		agentlink_msg_encode(&b, &ack);
		grease_apply(&g, &b);
		assert_int_equal(b.err, 0);
		assert_int_equal(agentlink_frame_decode(buf_bytes(&b),
				     AGENTLINK_FRAME_MAX, &f, &used, NULL),
		    1);
		tlvs += is_the_ack(&f);
		if (used < b.len) {
			struct bytes rest =
			    bytes_of(buf_ptr(&b) + used, b.len - used);

			assert_int_equal(
			    agentlink_frame_decode(
				rest, AGENTLINK_FRAME_MAX, &f, &used, NULL),
			    1);
			assert_int_equal(used, rest.len);
			is_grease(&f);
			frames++;
		}
		buf_fini(&b);
	}
	assert_in_range(
	    tlvs, MESSAGES / GREASE_EVERY / 2, MESSAGES / GREASE_EVERY * 2);
	assert_in_range(
	    frames, MESSAGES / GREASE_EVERY / 2, MESSAGES / GREASE_EVERY * 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_keeps_its_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

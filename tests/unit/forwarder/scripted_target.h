/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_target - a target that does what a test says, and notes what the
 * pump asks of it.
 */
#ifndef TESTS_UNIT_FORWARDER_SCRIPTED_TARGET_H
#define TESTS_UNIT_FORWARDER_SCRIPTED_TARGET_H

#include "forwarder/targets/target.h"

#define SCRIPTED_TARGET_CALLS 4096

/* What the pump did to the target: "state start send:1 idle ". */
struct target {
	struct target_host *host;
	char calls[SCRIPTED_TARGET_CALLS];
	bool refuses; /* fails in start */
	bool stays_down; /* start does not come up */
	unsigned room; /* batches that are taken before ERR_AGAIN */
	bool settles; /* each batch at once */
	/* Look at a batch that is sent; may be NULL. */
	void (*on_batch)(struct target *t, const struct target_batch *b);
	unsigned starts;
	uint8_t durable[ENTRY_OPAQUE_SIZE];
};

extern const struct target_class scripted_target_class;

/* The target that was opened last. */
struct target *scripted_target_last(void);

#endif

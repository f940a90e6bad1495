/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send three records and learn when each is safe.
 *
 *   cc send.c $(pkg-config --cflags --libs agentlink) -o send
 *   ./send spool.branch.example:7614 agent.crt agent.key ca.crt
 */
#include <agentlink.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
failed(const char *what, int rc, const char *why)
{
	fprintf(stderr, "%s: %s %s\n", what, agentlink_result_text(rc), why);
	return 1;
}

int
main(int argc, char **argv)
{
	static const char *const record[] = {"one", "two", "three"};
	struct agentlink_client_settings settings = {.servers = argv[1]};
	struct agentlink_client *c;
	uint64_t safe = 0, sent = 0, waiting = 0;
	uint32_t stream;
	char why[256] = "";
	int rc;

	if (argc != 5)
		return failed("usage", 0, "HOST:PORT CERTIFICATE KEY CA");
	settings.certificate = argv[2];
	settings.key = argv[3];
	settings.ca = argv[4];
	rc = agentlink_client_open(&settings, why, sizeof(why), &c);
	if (rc)
		return failed("open", rc, why);
	rc = agentlink_client_stream(c, "example", &stream);
	while (!rc && safe < 3) {
		/* -1: wait for ever while the spool is away and all is held. */
		if (sent < 3)
			rc = agentlink_client_send(
			    c, stream, record[sent], strlen(record[sent]), -1);
		sent += sent < 3;
		if (!rc)
			rc = agentlink_client_run(c, 200);
		if (!rc)
			rc = agentlink_client_waiting(c, stream, &waiting);
		/* What waits are always the newest; the rest is safe. */
		for (; !rc && safe < sent - waiting; safe++)
			printf("safe: %s\n", record[safe]);
		if (agentlink_client_why(c)[0])
			fprintf(stderr, "%s\n", agentlink_client_why(c));
	}
	if (rc)
		failed("send", rc, agentlink_client_why(c));
	agentlink_client_close(c);
	return rc ? 1 : 0;
}

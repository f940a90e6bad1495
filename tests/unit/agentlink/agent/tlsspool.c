/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/agent/tlsspool.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tls/tls.h"
#include "tests/helpers/pki.h"

#define AGENT "URI:spool:agent:0189af00-ffee-4abc-8def-0123456789ab"
#define SPOOL "URI:spool:spool:1189af00-ffee-4abc-8def-0123456789ab"

static void
write_file(const struct tlsspool *t, const char *name, struct bytes content)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	FILE *f = fopen(path, "w");
	assert(f);
	assert(fwrite(content.ptr, 1, content.len, f) == content.len);
	fclose(f);
}

static void
make_certificates(struct tlsspool *t)
{
	t->ca =
	    pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	struct pki *other_ca =
	    pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	struct pki *agent = pki_new(&(struct pki_request){
	    .issuer = t->ca, .alt = AGENT, .usage = "clientAuth"});
	struct pki *other = pki_new(&(struct pki_request){
	    .issuer = other_ca, .alt = AGENT, .usage = "clientAuth"});
	t->spool_cert = pki_new(&(struct pki_request){.issuer = t->ca,
	    .alt = SPOOL ",IP:127.0.0.1,DNS:localhost",
	    .usage = "serverAuth,clientAuth"});
	write_file(t, "ca.pem", pki_cert(t->ca));
	write_file(t, "agent.pem", pki_cert(agent));
	write_file(t, "agent.key", pki_key(agent));
	write_file(t, "other.pem", pki_cert(other));
	write_file(t, "other.key", pki_key(other));
	pki_free(agent);
	pki_free(other);
	pki_free(other_ca);
	assert(!tls_config_new(&t->config));
	const struct tls_config_settings settings = {
	    .side = TLS_CONFIG_SERVER,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = pki_cert(t->spool_cert),
	    .key_pem = pki_key(t->spool_cert),
	    .ca_pem = pki_cert(t->ca),
	    .protocols = {AGENTLINK_ALPN},
	    .identity_required = true,
	};
	assert(!tls_config_load(t->config, &settings));
}

/* ---- one connection
 * ------------------------------------------------------------ */

static bool
flush(int fd, struct tls *tls)
{
	struct buf out;
	buf_init(&out, 8u << 20);
	tls_drain(tls, &out);
	bool ok = true;
	while (ok && out.len) {
		ssize_t n = send(fd, buf_ptr(&out), out.len, MSG_NOSIGNAL);
		ok = n > 0;
		if (ok)
			buf_consume(&out, (size_t)n);
	}
	buf_fini(&out);
	return ok;
}

static bool
push(int fd, struct tls *tls, struct buf *plain)
{
	while (plain->len) {
		size_t taken = 0;
		if (tls_write(tls, buf_bytes(plain), &taken) && !taken)
			return flush(fd, tls);
		buf_consume(plain, taken);
		if (!flush(fd, tls))
			return false;
	}
	return flush(fd, tls);
}

static bool
pull(int fd, struct tls *tls, struct spoolsim_conn *c)
{
	uint8_t raw[16384];
	ssize_t n = recv(fd, raw, sizeof(raw), 0);
	if (n <= 0)
		return false;
	bool ok = !tls_feed(tls, bytes_of(raw, (size_t)n));
	size_t len;
	while (ok && !tls_read(tls, raw, sizeof(raw), &len))
		spoolsim_conn_feed(c, bytes_of(raw, len));
	return ok;
}

static void
serve(struct tlsspool *t, int fd)
{
	struct tls *tls;
	assert(!tls_new(t->config, NULL, &tls));
	struct spoolsim_conn *c = malloc(sizeof(*c));
	assert(c);
	spoolsim_conn_init(c, &t->sim);
	bool ok = true;
	while (ok && !atomic_load(&t->is_stopping)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (poll(&p, 1, 20) > 0)
			ok = pull(fd, tls, c);
		if (ok && !atomic_load(&t->is_silent) && c->is_ready)
			spoolsim_conn_ack(c);
		if (tls_is_ready(tls))
			push(fd, tls, &c->out);
		flush(fd, tls);
		atomic_store(&t->seen_data, c->datas);
		atomic_store(&t->stored, t->sim.records);
		unsigned cut = atomic_load(&t->cut_after);
		if (cut && c->datas >= cut)
			ok = false;
	}
	struct linger hard = {1, 0};
	if (atomic_load(&t->cut_after))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	spoolsim_conn_fini(c);
	free(c);
	tls_free(tls);
}

static void *
run(void *arg)
{
	struct tlsspool *t = arg;
	while (!atomic_load(&t->is_stopping)) {
		struct pollfd p = {.fd = t->listener, .events = POLLIN};
		if (poll(&p, 1, 20) <= 0)
			continue;
		int fd = accept(t->listener, NULL, NULL);
		if (fd < 0)
			continue;
		atomic_fetch_add(&t->connections, 1);
		serve(t, fd);
		close(fd);
	}
	return NULL;
}

void
tlsspool_start(struct tlsspool *t)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->dir, "/tmp/agentlink-test-XXXXXX");
	assert(mkdtemp(t->dir));
	make_certificates(t);
	t->counts = calloc(1, SPOOLSIM_RECORDS);
	assert(t->counts);
	spoolsim_init(&t->sim, 0xa0, t->counts);
	struct sockaddr_in sa = {.sin_family = AF_INET};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t len = sizeof(sa);
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(t->listener >= 0);
	assert(!bind(t->listener, (struct sockaddr *)&sa, len));
	assert(!listen(t->listener, 8));
	assert(!getsockname(t->listener, (struct sockaddr *)&sa, &len));
	t->port = ntohs(sa.sin_port);
	snprintf(t->address, sizeof(t->address), "127.0.0.1:%u", t->port);
	assert(!pthread_create(&t->thread, NULL, run, t));
}

void
tlsspool_stop(struct tlsspool *t)
{
	if (atomic_exchange(&t->is_stopping, true))
		return;
	pthread_join(t->thread, NULL);
	close(t->listener);
}

uint32_t
tlsspool_wrong(const struct tlsspool *t, uint32_t upto)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < upto; i++)
		wrong += t->counts[i] != 1;
	return wrong;
}

void
tlsspool_free(struct tlsspool *t)
{
	tlsspool_stop(t);
	spoolsim_fini(&t->sim);
	tls_config_free(t->config);
	pki_free(t->ca);
	pki_free(t->spool_cert);
	free(t->counts);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", t->dir);
	assert(!system(command));
}

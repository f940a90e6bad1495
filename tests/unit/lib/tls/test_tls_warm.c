/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After the two warm-ups nothing is opened any more: a child that opens
 * anything is killed.  The certificates come from a child of their own,
 * because making them would warm the library up.
 */
#include "tests/helpers/cmocka_all.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"

#include "lib/digest/digest.h"
#include "lib/digest/digest_aead.h"
#include "tests/unit/lib/tls/pair.h"

#define PEM_MAX 4096
#define AGENT "URI:spool:agent:0189af00-ffee-4abc-8def-0123456789ab"

enum { CA, SPOOL, SPOOL_KEY, AGENT_CERT, AGENT_KEY, OLD, OLD_KEY, PEMS };

static char (*pem)[PEM_MAX]; /* shared by the processes */

static void
keep(int which, struct bytes x)
{
	assert_true(x.len < PEM_MAX);
	memcpy(pem[which], x.ptr, x.len);
}

static void
make_certificates(void)
{
	struct pki *ca = pki_new(&(struct pki_request){.is_authority = true});
	struct pki *spool = pki_new(&(struct pki_request){
	    .issuer = ca, .alt = "DNS:localhost", .usage = "serverAuth"});
	struct pki *agent = pki_new(&(struct pki_request){
	    .issuer = ca, .alt = AGENT, .usage = "clientAuth"});
	struct pki *old = pki_new(&(struct pki_request){.issuer = ca,
	    .alt = AGENT,
	    .usage = "clientAuth",
	    .from_s = -200,
	    .until_s = -100});

	keep(CA, pki_cert(ca));
	keep(SPOOL, pki_cert(spool));
	keep(SPOOL_KEY, pki_key(spool));
	keep(AGENT_CERT, pki_cert(agent));
	keep(AGENT_KEY, pki_key(agent));
	keep(OLD, pki_cert(old));
	keep(OLD_KEY, pki_key(old));
	pki_free(ca);
	pki_free(spool);
	pki_free(agent);
	pki_free(old);
}

/* From here on, opening a file is death. */
static void
forbid_open(void)
{
	struct sock_filter rules[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 1, 0),
#ifdef __NR_open
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_open, 0, 1),
#else
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
#endif
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(rules) / sizeof(*rules), rules};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

static bool
meet(int cert, int key)
{
	struct tls_config *client =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = bytes_of_str(pem[cert]),
		.key_pem = bytes_of_str(pem[key]),
		.ca_pem = bytes_of_str(pem[CA])});
	struct tls_config *server =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_SERVER,
		.cert_pem = bytes_of_str(pem[SPOOL]),
		.key_pem = bytes_of_str(pem[SPOOL_KEY]),
		.ca_pem = bytes_of_str(pem[CA]),
		.identity_required = true});
	struct pair p = pair_new(client, server, "localhost");
	bool ready;

	pair_settle(&p);
	ready = tls_is_ready(p.server);
	pair_free(&p);
	tls_config_free(client);
	tls_config_free(server);
	return ready;
}

static void
work_in_the_sandbox(void)
{
	uint8_t key[DIGEST_AEAD_KEY_SIZE];
	struct digest_sha256 *d;
	struct digest_aead *a;

	if (tls_warm_up() || digest_warm_up())
		_exit(2);
	forbid_open();
	if (!meet(AGENT_CERT, AGENT_KEY) || meet(OLD, OLD_KEY))
		_exit(3);
	if (digest_random(key, sizeof(key)) || digest_sha256_new(&d) ||
	    digest_aead_new(key, &a))
		_exit(4);
	_exit(0);
}

static int
status_of_child(void (*work)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Without a warm-up the trap must close, or it proves nothing. */
static void
work_unprepared(void)
{
	uint8_t key[DIGEST_AEAD_KEY_SIZE];

	forbid_open();
	(void)digest_random(key, sizeof(key));
	(void)meet(AGENT_CERT, AGENT_KEY);
}

static void
nothing_is_opened_after_the_warm_up(void **state)
{
	int status;

	(void)state;
#ifdef WITH_SANITIZER
	skip();
#endif
	pem = mmap(NULL, PEMS * PEM_MAX, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(pem != MAP_FAILED);
	assert_int_equal(status_of_child(make_certificates), 0);
	status = status_of_child(work_unprepared);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* no seccomp here */
	assert_true(WIFSIGNALED(status));
	status = status_of_child(work_in_the_sandbox);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	munmap(pem, PEMS * PEM_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_opened_after_the_warm_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

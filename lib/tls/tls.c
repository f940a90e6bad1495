/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: tls_new, then tls_feed and tls_drain until the handshake
 * is over, then tls_read and tls_write, then tls_shutdown.  What can go
 * wrong: any call may find that the session has failed; fail() then puts it
 * into one sentence and one class, and every later call says ERR_TLS.
 */
#include "lib/tls/tls.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/tls/tls_alert.h"
#include "lib/tls/tls_private.h"

#define RECORD_MAX 16384 /* plaintext of one TLS record */
#define RECORD_COST 22 /* header, content type and tag */
/* Beyond TLS_DRAIN_MAX: one record more, handshake messages, alerts. */
#define OUT_LIMIT (TLS_DRAIN_MAX + (64U << 10))

void
tls_say(struct tls *t, const char *fmt, ...)
{
	va_list ap;

	if (t->why)
		return;
	t->why = calloc(1, TLS_WHY_SIZE);
	if (!t->why)
		return;
	va_start(ap, fmt);
	vsnprintf(t->why, TLS_WHY_SIZE, fmt, ap);
	va_end(ap);
}

/* The class of a failure that no certificate of the peer's caused. */
static enum tls_failure
classify(struct tls *t, unsigned long code)
{
	const char *reason = ERR_reason_error_string(code);

	if (t->alert >= 0) {
		bool about_us = tls_alert_is_refusal(t->alert);

		tls_say(t, "the peer %s: %s (alert %d)",
		    about_us ? "refused our certificate" : "gave up",
		    tls_alert_name(t->alert), t->alert);
		return about_us ? TLS_FAILURE_SELF_REFUSED
				: TLS_FAILURE_PROTOCOL;
	}
	if (t->out.err == ERR_LIMIT) {
		tls_say(t, "the peer asks for answers and does not read them");
		return TLS_FAILURE_PROTOCOL;
	}
	if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE || t->out.err) {
		tls_say(t, "%s", err_text(ERR_NOMEM));
		return TLS_FAILURE_LOCAL;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		tls_say(t, "the peer showed no certificate");
		return TLS_FAILURE_PEER_REFUSED;
	}
	tls_say(t, "the peer does not speak TLS 1.3 as we do: %s",
	    reason ? reason : "no reason given");
	return TLS_FAILURE_PROTOCOL;
}

static int
fail(struct tls *t)
{
	unsigned long code = ERR_peek_error();

	if (t->is_refused)
		t->failure = TLS_FAILURE_PEER_REFUSED;
	else
		t->failure = classify(t, code);
	ERR_clear_error();
	buf_release(&t->in);
	return ERR_TLS;
}

/* One step of the handshake, which may be its last. */
static int
shake_hands(struct tls *t)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1 && t->config->wire_len && !tls_protocol(t)) {
		tls_say(t, "the peer agreed to no application protocol");
		t->failure = TLS_FAILURE_PROTOCOL;
		return ERR_TLS;
	}
	if (rc == 1) {
		t->is_ready = true;
		return 0;
	}
	return SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ ? 0 : fail(t);
}

/* The name that the server's certificate must bear. */
static int
set_name(struct tls *t, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);

	/* To the library, an empty name is none, and ".x" is any below x. */
	if (!*name || *name == '.')
		return ERR_INVAL;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return 0;
	if (X509_VERIFY_PARAM_set1_host(param, name, 0) != 1 ||
	    SSL_set_tlsext_host_name(t->ssl, name) != 1)
		return ERR_INVAL;
	return 0;
}

static int
set_up(struct tls *t, const char *name)
{
	bool is_server = t->config->side == TLS_CONFIG_SERVER;
	BIO *bio;

	t->ssl = SSL_new(t->config->ctx);
	if (!t->ssl)
		return ERR_NOMEM;
	SSL_set_app_data(t->ssl, t);
	bio = tls_bio_new(t);
	if (!bio)
		return ERR_NOMEM;
	SSL_set_bio(t->ssl, bio, bio);
	if (is_server) {
		SSL_set_accept_state(t->ssl);
		return name ? ERR_INVAL : 0;
	}
	SSL_set_connect_state(t->ssl);
	if (name && set_name(t, name))
		return ERR_INVAL;
	return shake_hands(t) ? ERR_NOMEM : 0;
}

int
tls_new(struct tls_config *config, const char *name, struct tls **out)
{
	struct tls *t;
	int rc;

	if (!config->ctx)
		return ERR_INVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return ERR_NOMEM;
	t->config = tls_config_ref(config);
	t->alert = -1;
	buf_init(&t->in, TLS_FEED_MAX);
	buf_init(&t->out, OUT_LIMIT);
	rc = set_up(t, name);
	ERR_clear_error();
	if (rc)
		tls_free(t);
	else
		*out = t;
	return rc;
}

bool
tls_is_refusal(enum tls_failure failure)
{
	return failure == TLS_FAILURE_PEER_REFUSED ||
	    failure == TLS_FAILURE_SELF_REFUSED;
}

void
tls_set_time(struct tls *t, int64_t wall_ns)
{
	X509_VERIFY_PARAM_set_time(
	    SSL_get0_param(t->ssl), (time_t)(wall_ns / 1000000000));
}

void
tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	tls_config_free(t->config);
	buf_fini(&t->in);
	buf_fini(&t->out);
	free(t->why);
	free(t);
}

int
tls_feed(struct tls *t, struct bytes ciphertext)
{
	if (t->failure)
		return ERR_TLS;
	if (t->is_ended) /* nothing counts after close_notify */
		return 0;
	buf_add_bytes(&t->in, ciphertext);
	if (t->in.err) {
		int rc = t->in.err;

		t->in.err = 0;
		return rc;
	}
	return t->is_ready ? 0 : shake_hands(t);
}

int
tls_read(struct tls *t, void *ptr, size_t cap, size_t *len)
{
	uint8_t *to = ptr;
	size_t got = 0, n;
	int rc = 0;

	if (t->failure)
		return ERR_TLS;
	if (!t->is_ready)
		return ERR_AGAIN;
	ERR_clear_error();
	while (!rc && got < cap) {
		if (SSL_read_ex(t->ssl, to + got, cap - got, &n)) {
			got += n;
			continue;
		}
		switch (SSL_get_error(t->ssl, 0)) {
		case SSL_ERROR_WANT_READ:
			rc = ERR_AGAIN;
			break;
		case SSL_ERROR_ZERO_RETURN:
			t->is_ended = true;
			buf_release(&t->in);
			rc = ERR_CLOSED;
			break;
		default:
			rc = fail(t);
		}
	}
	if (!got) /* whatever it was comes again in the next call */
		return rc ? rc : ERR_AGAIN;
	*len = got;
	return 0;
}

/* As much as one go will make, so that the buffer grows once. */
static void
make_room(struct tls *t, size_t len)
{
	size_t most = TLS_DRAIN_MAX + RECORD_MAX - t->out.len;
	size_t cost;

	if (len > most)
		len = most;
	cost = (len / RECORD_MAX + 1) * RECORD_COST;
	if (!buf_reserve(&t->out, len + cost))
		t->out.err = 0; /* then it grows step by step, or fails */
}

int
tls_write(struct tls *t, struct bytes plaintext, size_t *taken)
{
	size_t done = 0, n;

	*taken = 0;
	if (t->failure)
		return ERR_TLS;
	if (t->is_shut)
		return ERR_STATE;
	if (!t->is_ready || t->out.len >= TLS_DRAIN_MAX)
		return ERR_AGAIN;
	ERR_clear_error();
	make_room(t, plaintext.len);
	while (done < plaintext.len && t->out.len < TLS_DRAIN_MAX) {
		size_t part = plaintext.len - done;

		if (part > RECORD_MAX)
			part = RECORD_MAX;
		if (!SSL_write_ex(t->ssl, plaintext.ptr + done, part, &n))
			return fail(t);
		done += n;
	}
	*taken = done;
	return 0;
}

void
tls_drain(struct tls *t, struct buf *out)
{
	size_t room = out->limit > out->len ? out->limit - out->len : 0;
	size_t n = t->out.len < room ? t->out.len : room;

	if (!n || out->err)
		return;
	if (!out->len && n == t->out.len) {
		size_t limit = out->limit;

		free(out->mem);
		*out = t->out;
		out->limit = limit;
		buf_init(&t->out, OUT_LIMIT);
		return;
	}
	buf_add(out, buf_ptr(&t->out), n);
	if (out->err)
		return;
	buf_consume(&t->out, n);
	if (!t->out.len)
		buf_release(&t->out);
}

size_t
tls_pending(const struct tls *t)
{
	return t->out.len;
}

uint64_t
tls_position(const struct tls *t)
{
	return t->position;
}

void
tls_shutdown(struct tls *t)
{
	if (!t->is_ready || t->is_shut || t->failure)
		return;
	t->is_shut = true;
	ERR_clear_error();
	if (SSL_shutdown(t->ssl) < 0)
		fail(t);
}

bool
tls_is_ready(const struct tls *t)
{
	return t->is_ready && !t->failure;
}

const char *
tls_why(const struct tls *t)
{
	if (!t->failure)
		return "";
	return t->why ? t->why : "out of memory";
}

enum tls_failure
tls_failure(const struct tls *t)
{
	return t->failure;
}

const char *
tls_protocol(const struct tls *t)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	for (size_t i = 0; len && i < TLS_CONFIG_PROTOCOLS_MAX; i++)
		if (bytes_equal_str(
			bytes_of(name, len), t->config->protocol[i]))
			return t->config->protocol[i];
	return NULL;
}

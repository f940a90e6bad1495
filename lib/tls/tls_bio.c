/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the library writes what it encrypted to t->out and reads
 * what tls_feed put into t->in.  What can go wrong: t->in is empty, which is
 * "try again" and never the end (only close_notify is an end); t->out is at
 * its limit, which fails the session: tls_write stops long before, so only a
 * peer that provokes answers and reads none gets there.  Both give their
 * memory back as soon as they are empty, so that an idle session is cheap.
 */
#include "lib/tls/tls_private.h"

#define TYPE (BIO_TYPE_SOURCE_SINK | 0x7f)

static int
read_in(BIO *bio, char *to, size_t cap, size_t *len)
{
	struct tls *t = BIO_get_data(bio);
	size_t n = cap < t->in.len ? cap : t->in.len;

	BIO_clear_retry_flags(bio);
	*len = n;
	if (!n) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(to, buf_ptr(&t->in), n);
	buf_consume(&t->in, n);
	if (!t->in.len)
		buf_release(&t->in);
	return 1;
}

static int
write_out(BIO *bio, const char *from, size_t len, size_t *taken)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	buf_add(&t->out, from, len);
	if (t->out.err)
		return 0;
	t->position += len;
	*taken = len;
	return 1;
}

static long
control(BIO *bio, int cmd, long number, void *ptr)
{
	(void)bio;
	(void)number;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static int
create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *
tls_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(TYPE, "memory of a struct tls");

	if (m && BIO_meth_set_read_ex(m, read_in) &&
	    BIO_meth_set_write_ex(m, write_out) &&
	    BIO_meth_set_ctrl(m, control) && BIO_meth_set_create(m, create))
		return m;
	BIO_meth_free(m);
	return NULL;
}

BIO *
tls_bio_new(struct tls *t)
{
	BIO *bio = BIO_new(t->config->bio);

	if (bio)
		BIO_set_data(bio, t);
	return bio;
}

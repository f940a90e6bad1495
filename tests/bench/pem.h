/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem - the certificate, key and authority of one side of a connection.
 */
#ifndef TESTS_BENCH_PEM_H
#define TESTS_BENCH_PEM_H

#include "lib/tls/tls_config.h"

/*
 * A TLS configuration from DIR/NAME.pem, DIR/NAME.key and DIR/ca.pem.  Says
 * what is wrong on standard error.
 */
int pem_load(const char *dir, const char *name, enum tls_config_side side,
    const char *protocol, struct tls_config **out);

#endif

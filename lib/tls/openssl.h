/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to libssl, private to lib/tls and its tests.
 *
 * OpenSSL has a type by the name of one of our error codes, so the type gets
 * another name while its headers are read.
 */
#ifndef LIB_TLS_OPENSSL_H
#define LIB_TLS_OPENSSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#undef ERR_STATE

#endif

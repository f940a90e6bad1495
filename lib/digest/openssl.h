/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to libcrypto, private to lib/digest.
 *
 * OpenSSL has a type by the name of one of our error codes, so the type gets
 * another name while its headers are read.
 */
#ifndef LIB_DIGEST_OPENSSL_H
#define LIB_DIGEST_OPENSSL_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#undef ERR_STATE

#endif

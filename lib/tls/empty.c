/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_tls_is_empty;

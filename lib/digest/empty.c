/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_digest_is_empty;

/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_pack_is_empty;

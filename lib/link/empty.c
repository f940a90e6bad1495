/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_link_is_empty;

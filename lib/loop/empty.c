/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_loop_is_empty;

/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_sandbox_is_empty;

/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_config_is_empty;

/* SPDX-License-Identifier: Apache-2.0 */
typedef int room_codec_is_empty;

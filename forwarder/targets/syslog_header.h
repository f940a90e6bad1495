/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog_header - the RFC 5424 header that goes before a record.
 *
 * Pure.  What stands in which field is specified in
 * doc/format-syslog-target.md.
 */
#ifndef FORWARDER_TARGETS_SYSLOG_HEADER_H
#define FORWARDER_TARGETS_SYSLOG_HEADER_H

#include "forwarder/targets/render.h"
#include "lib/base/buf.h"

/* user.info, for records whose severity is not known. */
#define SYSLOG_HEADER_PRI 14u

/* Append the header of a record, up to and without the blank before MSG. */
void syslog_header_add(const struct render_record *r, struct buf *out);

#endif

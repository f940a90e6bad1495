/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"

#include <errno.h>

const char *
err_text(int code)
{
	switch (code) {
	case 0:
		return "success";
#define X(name, value, text) \
	case ERR_##name:     \
		return text;
		ERR_LIST(X)
#undef X
	default:
		return "unknown error";
	}
}

const char *
err_name(int code)
{
	switch (code) {
	case 0:
		return "OK";
#define X(name, value, text) \
	case ERR_##name:     \
		return "ERR_" #name;
		ERR_LIST(X)
#undef X
	default:
		return "ERR_UNKNOWN";
	}
}

int
err_of_errno(int errnum)
{
	switch (errnum) {
	case 0:
		return 0;
	case ENOMEM:
		return ERR_NOMEM;
	case EINVAL:
		return ERR_INVAL;
	case ENOENT:
		return ERR_NOENT;
	case EEXIST:
		return ERR_EXISTS;
	case EMFILE:
	case ENFILE:
		return ERR_LIMIT;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case EIO:
		return ERR_IO;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case EAGAIN:
	case EINTR:
		return ERR_AGAIN;
	case EPIPE:
	case ECONNRESET:
		return ERR_CLOSED;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	case EBUSY:
	case EADDRINUSE:
		return ERR_BUSY;
	default:
		return ERR_SYS;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - the one list of error codes of the project.
 *
 * Functions that can fail return 0 or one of these negative codes.  A code is
 * for the program; the sentence for a person belongs to the object that
 * failed (config_why, tls_why, ...).  Foreign codes are translated at the door
 * of the room that calls the foreign library and travel no further.
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#define ERR_LIST(X)                                        \
	X(NOMEM, -1, "out of memory")                      \
	X(INVAL, -2, "an argument is not allowed")         \
	X(NOENT, -3, "not there")                          \
	X(EXISTS, -4, "there already")                     \
	X(LIMIT, -5, "a limit is reached")                 \
	X(FULL, -6, "the spool is full")                   \
	X(IO, -7, "input or output failed")                \
	X(FORMAT, -8, "the bytes are not well formed")     \
	X(VERSION, -9, "the version is not supported")     \
	X(CORRUPT, -10, "the stored bytes are damaged")    \
	X(DIGEST, -11, "a digest does not match")          \
	X(AUTH, -12, "authentication failed")              \
	X(DENIED, -13, "not permitted")                    \
	X(AGAIN, -14, "not now, try again")                \
	X(CLOSED, -15, "closed by the other side")         \
	X(TIMEOUT, -16, "no answer in time")               \
	X(BUSY, -17, "in use")                             \
	X(TLS, -18, "TLS failed")                          \
	X(KEY, -19, "the key is missing or wrong")         \
	X(GAP, -20, "records are missing before this one") \
	X(FORK, -21, "the stream has two histories")       \
	X(UNSUPPORTED, -22, "not supported")               \
	X(STATE, -23, "not allowed in this state")         \
	X(RANGE, -24, "a number is out of range")          \
	X(SYS, -25, "the system call failed")              \
	X(MAPFULL, -26, "the segment is full")             \
	X(PARTIAL, -27, "only part of it")

enum err {
#define X(name, value, text) ERR_##name = (value),
	ERR_LIST(X)
#undef X
};

/* The sentence of a code; "success" for 0.  Never NULL. */
const char *err_text(int code);

/* The stable name of a code, "ERR_NOMEM"; "OK" for 0.  Never NULL. */
const char *err_name(int code);

/* The code that fits an errno value; ERR_SYS where none fits better. */
int err_of_errno(int errnum);

#endif

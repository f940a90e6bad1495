/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/records.h"

#define NUMBER_DIGITS 16

/* The digits of NAME-%016d.log[.zst]; NULL if it is not that. */
static const char *
number_of(const char *name)
{
	const char *dash = strrchr(name, '-');
	size_t digits = dash ? strspn(dash + 1, "0123456789") : 0;

	if (digits != NUMBER_DIGITS || dash == name)
		return NULL;
	if (strcmp(dash + 1 + digits, ".log") &&
	    strcmp(dash + 1 + digits, ".log.zst"))
		return NULL;
	return dash + 1;
}

static int
is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* By number; what is no file of a target comes first. */
static int
compare(const struct dirent **a, const struct dirent **b)
{
	const char *x = number_of((*a)->d_name), *y = number_of((*b)->d_name);

	if (!x || !y)
		return (x != NULL) - (y != NULL);
	if (strncmp(x, y, NUMBER_DIGITS))
		return strncmp(x, y, NUMBER_DIGITS);
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A packed file whose plain form, which is before it, is there too. */
static bool
is_by_halves(struct dirent **names, int i)
{
	size_t len = i > 0 ? strlen(names[i - 1]->d_name) : 0;

	return i > 0 && !strncmp(names[i - 1]->d_name, names[i]->d_name, len) &&
	    !strcmp(names[i]->d_name + len, ".zst");
}

static int
check_names(struct dirent **names, int n, struct records_place *where)
{
	for (int i = 0; i < n; i++) {
		const char *number = number_of(names[i]->d_name);
		const char *last = i > 0 ? number_of(names[i - 1]->d_name) : "";

		snprintf(
		    where->path, sizeof(where->path), "%s", names[i]->d_name);
		if (!number ||
		    (!strncmp(last, number, NUMBER_DIGITS) &&
			!is_by_halves(names, i)))
			return ERR_FORMAT;
	}
	return 0;
}

int
records_dir(const char *dir, enum records_framing framing, records_fn *fn,
    void *arg, struct records_place *where)
{
	struct dirent **names = NULL;
	char path[4096];
	int n = scandir(dir, &names, is_entry, compare), rc;

	snprintf(where->path, sizeof(where->path), "%s", dir);
	where->record = 0;
	if (n < 0)
		return err_of_errno(errno);
	rc = check_names(names, n, where);
	for (int i = 0; i < n; i++) {
		int len = snprintf(
		    path, sizeof(path), "%s/%s", dir, names[i]->d_name);

		if (rc == 0 && (size_t)len >= sizeof(path))
			rc = ERR_LIMIT;
		if (rc == 0 && !is_by_halves(names, i))
			rc = records_file(path, framing, fn, arg, where);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay - what every fuzz target is linked with.
 *
 * In a plain build this is main: it feeds the target each file of
 * tests/fuzz/corpus/NAME (NAME from the program's own, fuzz_NAME) and each
 * beginning of the smaller ones, so that `make check` runs every input that
 * ever mattered.  Files or directories may be named instead.  Each input lies
 * in memory of exactly its size, so that a sanitizer sees a read beyond it.
 * Under --with-fuzzer libFuzzer has main; without arguments it then replays
 * the same corpus and ends.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 4096
#define INPUT_MAX (16u << 20)
#define PREFIXES_MAX 1024u /* bytes of a file whose beginnings are tried */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
corpus_path(const char *program, char path[static PATH_SIZE])
{
	const char *top = getenv("TOP_SRCDIR");
	const char *name = strrchr(program, '/');

	name = name ? name + 1 : program;
	if (!strncmp(name, "lt-", 3))
		name += 3;
	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	snprintf(
	    path, PATH_SIZE, "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
}

#ifdef WITH_FUZZER

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char path[PATH_SIZE], runs[] = "-runs=0";
	static char *replaced[] = {NULL, runs, path, NULL};

	if (*argc == 1) {
		corpus_path((*argv)[0], path);
		replaced[0] = (*argv)[0];
		*argv = replaced;
		*argc = 3;
	}
	return 0;
}

#else

static void
feed(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void
feed_with_beginnings(const uint8_t *data, size_t size)
{
	feed(data, size);
	for (size_t n = 0; n < size && size <= PREFIXES_MAX; n++)
		feed(data, n);
}

static int
replay_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f || !data) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	feed_with_beginnings(data, size);
	free(data);
	return 1;
}

/* A file, or all files of a directory; how many. */
static int
replay(const char *path)
{
	char file[PATH_SIZE];
	struct dirent *entry;
	struct stat st;
	int count = 0;
	DIR *dir;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		return replay_file(path);
	dir = opendir(path);
	if (!dir) {
		perror(path);
		return 0;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) <
		    (int)sizeof(file))
			count += replay_file(file);
	}
	closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	char path[PATH_SIZE];
	int count = 0;

	corpus_path(argv[0], path);
	for (int i = 1; i < argc; i++)
		count += replay(argv[i]);
	if (argc == 1)
		count = replay(path);
	printf("%d inputs\n", count);
	return count ? 0 : 1; /* a target without a corpus proves nothing */
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The program `agentlink`: which command, and that is all. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#include "agentlink/agent/options.h"
#include "agentlink/agent/run.h"
#include "agentlink/agent/send.h"
#include "lib/base/log.h"

static const char usage[] =
    "usage: agentlink send --server HOST:PORT[,HOST:PORT] --cert FILE\n"
    "           --key FILE --ca FILE [--stream NAME] [--state DIR]\n"
    "           [--framing lf|nul|length] [--rate N/s] [--bandwidth RATE]\n"
    "           [--timeout DURATION] [--verbose] FILE...|-\n"
    "       agentlink run [--config FILE]\n"
    "       agentlink --version\n";

static int
show_usage(int argc, char **argv)
{
	(void)argc, (void)argv;
	fputs(usage, stdout);
	return EXIT_OK;
}

static int
show_version(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("agentlink " PACKAGE_VERSION);
	return EXIT_OK;
}

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"run", run_main},
    {"send", send_main},
    {"help", show_usage},
    {"--help", show_usage},
    {"--version", show_version},
};

int
main(int argc, char **argv)
{
	log_setup("agentlink", LOG_LEVEL_WARN, false);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands);
	     i++)
		if (!strcmp(argv[1], commands[i].word))
			return commands[i].run(argc - 1, argv + 1);
	fputs(usage, stderr);
	return EXIT_USAGE;
}

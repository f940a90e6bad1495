/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "admin/program.h"

int
main(int argc, char **argv)
{
	return program_run(argc, argv, stdin, stdout, stderr);
}

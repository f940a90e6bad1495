/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy FROM TO [SEED] - copy a spool's directory, with one thing of it
 * damaged if there is a seed; says what.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/crash/damage.h"

int
main(int argc, char **argv)
{
	char text[DAMAGE_TEXT];
	struct tree tree;
	struct rng rng;

	if (argc < 3 || argc > 4)
		return 2;
	tree_load(&tree, argv[1]);
	if (argc == 4) {
		rng.state = strtoull(argv[3], NULL, 10);
		puts(damage_tree(&tree, &rng, text));
	}
	tree_write(&tree, argv[2]);
	tree_fini(&tree);
	return 0;
}

#include "queue/enter.h"

#include "lib/home.h"
#include "queue/command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool
is_missing(const char *name)
{
	return access(name, F_OK) != 0 && errno == ENOENT;
}

int
enter_node(const char *dir)
{
	const char *why = NULL;

	if (chdir(dir) != 0)
		why = strerror(errno);
	else if (is_missing("me") && is_missing(HOME_CONFIG) &&
		 is_missing(HOME_QUEUE))
		why = "no node, as it has no me, config.cdb or queue";
	if (!why)
		return COMMAND_DONE;
	fprintf(stderr,
		"quail: %s: %s; name the node's directory with -d DIR, or in "
		"the environment with QUAIL_DIR\n",
		dir, why);
	return COMMAND_WRONG;
}

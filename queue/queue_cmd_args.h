/* queue_cmd_args.h - the arguments of quail queue
 *
 * Source  doc/quail-queue.1
 * Test    tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_QUEUE_CMD_ARGS_H
#define QUAIL_QUEUE_QUEUE_CMD_ARGS_H

#include "lib/buf.h"

struct args {
	const char *dir; /* of the node */
	const char *verb;
	const char *export_to; /* of export */
	struct buf selection;  /* words of the request, netstrings */
	unsigned n_ids;
	bool has_pattern; /* to, from, dest, older, held */
	bool is_json, is_all, is_yes;
};

/* args_parse - take the arguments apart
 *
 * Needs    *a zeroed.
 * Returns  COMMAND_DONE; COMMAND_WRONG after a line on stderr.
 */
int
args_parse(struct args *a, int argc, char **argv);

/* args_usage - print how it is called, to stderr; COMMAND_WRONG */
int
args_usage(void);

#endif

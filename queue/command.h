/* command.h - what the subcommands of quail(1) have in common
 *
 * Each is a file of its own with one function NAME_command, which stands in
 * the table of quail_main.c. It gets its arguments as main does, argv[0]
 * being its own name, and returns the exit code.
 */
#ifndef QUAIL_QUEUE_COMMAND_H
#define QUAIL_QUEUE_COMMAND_H

enum {
	COMMAND_DONE = 0,
	COMMAND_WRONG = 100, /* usage, or tables with errors */
	COMMAND_LATER = 111  /* a system call failed */
};

#endif

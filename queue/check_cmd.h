/* check_cmd.h - quail check: what this host gives the daemons
 *
 * Test  tests/sandbox.t
 */
#ifndef QUAIL_QUEUE_CHECK_CMD_H
#define QUAIL_QUEUE_CHECK_CMD_H

/* check_command - quail check --sandbox [--json] [-d DIR]
 *
 * Makes the sandbox of each kind of daemon in a process of its own, and says
 * what the kernel gave.
 * Returns  0: all, or the tables want none; 111: a part is missing; 100: usage,
 *          or no configuration.
 */
int
check_command(int argc, char **argv);

#endif

/* compile.h - quail build, quail rollback: compile the tables, take the
 * configuration before back
 *
 * Source  doc/quail.1
 * Test    tests/run.t, tests/routing.t
 */
#ifndef QUAIL_QUEUE_COMPILE_H
#define QUAIL_QUEUE_COMPILE_H

int
compile_command(int argc, char **argv);

int
rollback_command(int argc, char **argv);

/* compile_tables - build DIR/config.cdb and tell stderr what is to be told
 *
 * Returns  COMMAND_DONE, COMMAND_WRONG or COMMAND_LATER.
 */
int
compile_tables(const char *dir);

/* compile_or_keep - the same in the current directory, for a node that starts
 *
 * A full disk must not keep mail from leaving it: when there is no room for a
 * new config.cdb, a whole one that is there will do, which is logged.
 */
int
compile_or_keep(void);

/* compile_say_newer - in the current directory: on standard error, that a table
 * has been edited since the last build, if one has */
void
compile_say_newer(void);

/* compile_tables_as - the same into another file of DIR */
int
compile_tables_as(const char *dir, const char *name);

#endif

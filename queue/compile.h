/* compile.h - quail build DIR: compile the tables
 *
 * Test  tests/run.t
 */
#ifndef QUAIL_QUEUE_COMPILE_H
#define QUAIL_QUEUE_COMPILE_H

int
compile_command(int argc, char **argv);

/* compile_tables - build DIR/config.cdb and tell stderr what is to be told
 *
 * Returns  COMMAND_DONE, COMMAND_WRONG or COMMAND_LATER.
 */
int
compile_tables(const char *dir);

#endif

/* enter.h - the node that a question is about
 *
 * Test  tests/routing.t
 */
#ifndef QUAIL_QUEUE_ENTER_H
#define QUAIL_QUEUE_ENTER_H

/* enter_node - make its directory the current one
 *
 * Returns  COMMAND_DONE; COMMAND_WRONG, and standard error says what is wrong
 *          and how another directory is named.
 */
int
enter_node(const char *dir);

#endif

/* explain.h - quail explain ADDRESS: where would mail for it go, and why?
 *
 * Test  tests/run.t
 */
#ifndef QUAIL_QUEUE_EXPLAIN_H
#define QUAIL_QUEUE_EXPLAIN_H

int
explain_command(int argc, char **argv);

#endif

/* queue_cmd.h - quail queue: what waits, why, and what to do about it
 *
 * Source  doc/quail-queue.1
 * Test    tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_QUEUE_CMD_H
#define QUAIL_QUEUE_QUEUE_CMD_H

int
queue_command(int argc, char **argv);

#endif

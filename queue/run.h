/* run.h - quail run DIR: a whole node in the foreground
 *
 * The supervisor of containers, trials and tests; on real hosts systemd's
 * units start the same daemons as separate users. Compiles the tables, binds
 * every socket itself, starts the daemons that the tables ask for, restarts
 * what dies, prints "ready", ends all on TERM. Holding the sockets it makes a
 * daemon's death invisible to clients: they wait in the backlog until the
 * successor accepts.
 *
 * Test  tests/run.t
 */
#ifndef QUAIL_QUEUE_RUN_H
#define QUAIL_QUEUE_RUN_H

int
run_command(int argc, char **argv);

#endif

/* intake_tables.h - what the tables say of mail that comes in
 *
 * databytes, aliases, who may send what to whom. Apart from intake.h, so that
 * the door itself can be tested without tables.
 *
 * Test  tests/aliases.t
 */
#ifndef QUAIL_QUEUE_INTAKE_TABLES_H
#define QUAIL_QUEUE_INTAKE_TABLES_H

#include "cdb/config.h"
#include "queue/intake.h"

/* intake_tables - go by these, and call again whenever they have changed
 *
 * Keeps    c.
 */
void
intake_tables(struct intake *in, const struct config *c);

#endif

/* The lock that explicit and automatic vacuum take. */
#ifndef SB_VACUUM_H
#define SB_VACUUM_H

#include "broker.h"
#include "setup_lock.h"
#include "simplebroker.h"

/* SB_OK, also where there is nothing to lock; SB_EMPTY another process vacuums; a failure. */
sb_status sb__vacuum_lock(sb__file_lock *lock, const sb_broker *broker);
void sb__vacuum_unlock(sb__file_lock *lock);

#endif

/* Live calls whose rows wait for room only (a cap), on two instances, and one lease; no timer ticks and nobody is killed.
   Each writes its row and asks its instance for a drain; one thread of an instance drains, under the lease, and who is
   refused returns. When all calls have come to their end no row is left, so none of them waits for a tick. */
#ifndef NLIVE
#define NLIVE 4
#endif
#ifndef MOST_NONE
#define MOST_NONE 2
#endif
byte rows = 0, ended = 0;
bool requested[2], locked[2], leased = false;

inline wait_for_room() {
#ifndef NO_ROW_FIRST             /* the drain is asked for, then the row is written */
  rows++; requested[me] = true
#else
  requested[me] = true; rows++
#endif
}
inline drain_once() {            /* until nothing is due */
  settled = false;
  do
  :: atomic { rows > 0 -> seen = rows }
     atomic { rows = (rows > seen -> rows - seen : 0); seen = 0; settled = true }
  :: atomic { rows == 0 -> break }
  od
}
inline drain() {
  none = 0; is_due = rows > 0;
  do
  :: is_due && none < MOST_NONE ->
     atomic { is_held = !leased; leased = true }
     if
     :: !is_held -> break
     :: else ->
        drain_once();
        leased = false;
        if :: settled -> none = 0 :: else -> none++ fi
     fi;
#ifndef NO_SCAN_AFTER            /* the rows of those who were refused are not looked for */
     is_due = rows > 0
#else
     is_due = false
#endif
  :: else -> break
  od
}
inline after_event() {
  do
  :: requested[me] ->
     atomic { is_held = !locked[me]; locked[me] = true }
     if
     :: !is_held -> break
     :: else ->
#ifndef NO_CLEAR_FIRST           /* the wish is cleared when it is fulfilled, together with those that came meanwhile */
        requested[me] = false; drain();
#else
        drain(); requested[me] = false;
#endif
        locked[me] = false
     fi;
#ifdef NO_ROUND                  /* whoever has drained does not look for another wish */
     break
#endif
  :: else -> break
  od
}
proctype Live(byte me) {
  byte seen, none; bool is_held, is_due, settled;
  wait_for_room();
  after_event();
  atomic { seen = 0; none = 0; is_held = false; is_due = false; settled = false; ended++ }
}
init {
  byte n;
  atomic { for (n : 1 .. NLIVE) { run Live(n % 2) } }
  ended == NLIVE;
  assert(rows == 0)              /* no row is left to the timer */
}

/* An ordered lane: docs/decisions/0063-order.md describes the protocol. Three files in the order of their numbers,
   whose events come in any order, and that of file 1 once more; two drains at once; two faults in all: a drain dies and
   another follows, an answer is lost before or after its call was carried out, or the call lands late. Any step of the
   others may come between two of a drain, so it falls asleep anywhere. One refusal for good, and a replay of its
   letter. It finds no run that is sent before each older file is confirmed, or refused, whose row had come when the run
   was chosen; no file that has neither row nor run nor letter; and after one more drain no row. None has two runs, for
   a run id is one run in Airflow, whoever posts it. */
#ifndef N
#define N 3
#endif
#ifndef NDRAIN
#define NDRAIN 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
bool came[N];                  /* its row was written */
bool row[N]; byte etag[N];
bool made[N];                  /* the run exists */
bool told[N];                  /* somebody was told that the run exists, or that it is refused for good */
bool letter[N]; byte letter_etag[N];
bool was_refused = false;
byte faults = FAULTS;           /* deaths and unclear answers that are still to come */
byte ended = 0, late = 0;

#define LOST(x) (came[x] && !row[x] && !made[x] && !letter[x])
inline write(x) { atomic { row[x] = true; etag[x]++; came[x] = true } }
inline create(x) { made[x] = true }
/* Take the first row; remember which files had come by then. */
inline choose(x, e, n) {
  atomic {
    x = 0;
    do :: x < N && !row[x] -> x++ :: else -> break od;
    if :: x < N -> e = etag[x]; note(n) :: else -> e = 0; n = 0 fi
  }
}
inline note(n) { k = 0; n = 0; do :: k < N -> n = n | (came[k] << k); k++ :: else -> break od; k = 0 }
/* What is promised: whatever is older, and was there, is settled before this is sent. */
inline check(x, n) {
  k = 0;
  do :: k < x -> assert(!((n >> k) & 1) || told[k]); k++ :: else -> break od;
  k = 0; n = 0
}
inline delete(x, e) {
#ifdef NO_ETAG
  atomic { row[x] = false; assert(!LOST(x)) }
#else
  atomic { if :: row[x] && etag[x] == e -> row[x] = false :: else fi; assert(!LOST(x)) }
#endif
}
#define MAYBE_DIE if :: skip :: atomic { faults > 0 -> faults--; goto again } fi

proctype Late(byte x) { atomic { create(x); ended++ } }

#ifdef NO_CONFIRM
#define UNCLEAR skip
#else
#define UNCLEAR goto again            /* the lane is held, and tried again from its first row */
#endif
proctype Drain() {
  byte x, e, n, k;
again:
  choose(x, e, n);
  do
  :: x >= N -> break
  :: else ->
#ifdef DELETE_FIRST
     delete(x, e); MAYBE_DIE;
#endif
     /* The answer: clear, lost after or before it was carried out, or the call is still on its way; or a refusal. */
     if
     :: atomic { check(x, n); create(x); told[x] = true }; MAYBE_DIE
     :: atomic { faults > 0 -> faults--; check(x, n); create(x); UNCLEAR }
     :: atomic { faults > 0 -> faults--; check(x, n); UNCLEAR }
     :: atomic { faults > 0 && late < 1 -> faults--; check(x, n); late++; run Late(x); UNCLEAR }
     :: atomic { x == 1 && !was_refused && !made[x] -> check(x, n); was_refused = true; told[x] = true }
#ifdef LETTER_LAST
        MAYBE_DIE; delete(x, e);
#endif
        MAYBE_DIE; atomic { letter[x] = true; letter_etag[x]++ }; MAYBE_DIE
     fi;
     delete(x, e);
#ifdef NO_FRESH
     atomic { x++; do :: x < N && !row[x] -> x++ :: else -> break od; if :: x < N -> e = etag[x]; note(n) :: else fi }
#else
     choose(x, e, n)
#endif
  od;
  ended++
}
proctype Live(byte x) {
  byte n, k;
#ifdef LIVE_SENDS
  if :: atomic { note(n); check(x, n); came[x] = true; create(x); told[x] = true } :: write(x) fi;
  ended++
#else
  atomic { write(x); ended++ }
#endif
}
/* The event of file 1 comes once more, or its letter is replayed: the row is written in any case, so that its ETag moves;
   then the letter goes that was read. */
proctype Again() {
  bool has; byte e;
  atomic { came[1] -> has = letter[1]; e = letter_etag[1] };
  write(1);
  atomic {
    if :: has && letter[1] && letter_etag[1] == e -> letter[1] = false; assert(!LOST(1)) :: else fi;
    has = false; e = 0; ended++
  }
}
init {
  byte i;
  atomic {
    for (i : 0 .. N - 1) { run Live(i) }
    run Again();
    for (i : 1 .. NDRAIN) { run Drain() }
  }
  ended == N + 1 + NDRAIN + late;
  faults = 0; run Drain();
  ended == N + 2 + NDRAIN + late;
  for (i : 0 .. N - 1) { assert(!row[i] && (made[i] || letter[i])) }
}

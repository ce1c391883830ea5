/* A lane whose route names another DAG (A), then (B), then the first again (A), while a row of it waits.
   docs/decisions/0027-edited-routes.md describes the protocol. Two drains of any generation of the routes, each
   dying anywhere, and a live call whose reply is lost. Lanes and DAGs: 0 is A, 1 is B. */
#ifndef NDRAIN
#define NDRAIN 2
#endif
#define NONE 0
#define AWAY 1
#define BACK 2
byte gen = 1;                 /* newest generation of the routes: 1 -> A, 2 -> B, 3 -> A */
bool made[2];                  /* the run exists in this DAG */
bool row[2]; byte etag[2];    /* the row in each lane */
byte mark[2]; byte mseq[2];   /* mark of each lane, and its ETag */
byte began[4]; bool busy[4];/* when each process began its pass, in marks written */
byte marks = 0;               /* number of marks ever written: the clock of rests */
byte at[2];                   /* when the mark of a lane was written */
bool arrived = false;
inline target(g, t) { if :: g == 2 -> t = 1 :: else -> t = 0 fi }
#define RESTED(l, me) ( (me==0 || !busy[0] || began[0] >= at_seen) && (me==1 || !busy[1] || began[1] >= at_seen) && (me==2 || !busy[2] || began[2] >= at_seen) && (me==3 || !busy[3] || began[3] >= at_seen) )
inline write_mark(l, m) { atomic { mark[l] = m; mseq[l]++; marks++; at[l] = marks } }
proctype Drain(byte me) {
  byte g, t, m, ms, e, l, at_seen, passes; bool has, found;
  passes = 0;
  do
  :: passes < 2 ->
    passes++;
    atomic { began[me] = marks; busy[me] = true; if :: g = gen :: gen > 1 -> g = gen - 1 :: gen > 2 -> g = gen - 2 fi }
    target(g, t);
    l = 0;
    do
    :: l < 2 ->
      atomic { m = mark[l]; ms = mseq[l]; at_seen = at[l] }
      atomic { has = row[l]; e = etag[l] }
      if
      :: !has -> 
         atomic { if :: m != NONE && mseq[l] == ms && !row[l] -> mark[l] = NONE; mseq[l]++ :: else fi }
      :: has && t == l ->
         if
         :: m == NONE -> 
            if :: true -> made[l] = true :: true -> skip /* died before sending */ fi;
            if :: true -> atomic { if :: row[l] && etag[l] == e && made[l] -> row[l] = false :: else fi } :: true -> skip fi
         :: m == BACK && RESTED(l, me) ->
            bool ok; ok = false;
            atomic { if :: mseq[l] == ms -> mark[l] = NONE; mseq[l]++; ok = true
                        :: else
                     fi }
#ifdef NO_READING_ANEW
            if :: ok -> if :: true -> made[l] = true :: true -> skip fi;
               if :: true -> atomic { if :: row[l] && etag[l] == e && made[l] -> row[l] = false :: else fi } :: true -> skip fi
            :: else fi
#endif
            skip
         :: m == AWAY ->
#ifdef NO_SECOND_REST
            atomic { mark[l] = NONE; mseq[l]++ }
#else
            write_mark(l, BACK)
#endif
         :: else -> skip
         fi
      :: has && t != l ->
         if
         :: m != AWAY ->
#ifdef NO_MARK
            skip; goto move
#else
            write_mark(l, AWAY)
#endif
         :: m == AWAY && RESTED(l, me) ->
move:       found = made[l];
#ifdef NO_LOOK
            found = false;
#endif
            if
            :: found -> atomic { if :: row[l] && etag[l] == e -> row[l] = false :: else fi }
            :: else ->
               atomic { row[1-l] = true; etag[1-l]++ }
               if :: true -> atomic { if :: row[l] && etag[l] == e -> row[l] = false :: else fi } :: true -> skip /* died */ fi
            fi
         :: else -> skip
         fi
      fi;
      l++
    :: else -> break
    od;
    busy[me] = false
  :: else -> break
  od
}
proctype Live() {
  byte g, t;
  atomic { began[3] = marks; busy[3] = true; g = gen }
  target(g, t);
  if :: true -> made[t] = true :: true -> skip fi;   /* the reply is lost, or it was never sent */
  atomic { row[t] = true; etag[t]++; arrived = true }
  busy[3] = false
}
proctype Edit() { gen = 2; gen = 3 }
init { atomic { run Live(); run Edit(); byte i; for (i : 0 .. NDRAIN-1) { run Drain(i) } } }
#define twice (made[0] && made[1])
#define lost (arrived && !row[0] && !row[1] && !made[0] && !made[1])
ltl safe { [] (!(twice) && !(lost)) }

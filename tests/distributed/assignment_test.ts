import assert from "node:assert/strict";
import { Assignment, checkCosts, isBalanced } from "../../src/distributed/assignment.ts";

const shares = (assignment: Assignment, ranks: number) =>
  Array.from({ length: ranks }, (_, rank) => assignment.itemsOf(rank));

Deno.test("round robin deals items in turn", () => {
  const assignment = Assignment.roundRobin(5, 3);
  assert.deepEqual(shares(assignment, 3), [[0, 3], [1, 4], [2]]);
  assert.deepEqual(assignment.inOrder([["a", "d"], ["b", "e"], ["c"]]), ["a", "b", "c", "d", "e"]);
});

Deno.test("a balanced share gives costly items first, and every item to one rank", () => {
  const assignment = Assignment.balanced([1, 1, 1, 8, 1, 1, 3], [1, 1]);
  assert.deepEqual(shares(assignment, 2), [[3], [0, 1, 2, 4, 5, 6]]);
  assert.equal(assignment.owner(6), 1);
  assert.equal(assignment.length, 7);
});

Deno.test("a balanced share is within 4/3 of the best one that costs allow", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const costs = Array.from({ length: 12 }, (_, i) => ((seed * 7919 + i * 104729) % 97) + 1);
    const loads = shares(Assignment.balanced(costs, [1, 1, 1]), 3)
      .map((items) => items.reduce((sum, item) => sum + costs[item], 0));
    const total = costs.reduce((sum, cost) => sum + cost, 0);
    const bound = Math.max(total / 3, ...costs);
    assert.ok(Math.max(...loads) <= bound * 4 / 3 + 1e-9, `${loads}`);
  }
});

Deno.test("quicker ranks get more, and free items are spread too", () => {
  const loads = shares(Assignment.balanced(new Array(12).fill(1), [1, 0.5]), 2).map((items) => items.length);
  assert.deepEqual(loads, [8, 4]);
  assert.deepEqual(shares(Assignment.balanced([0, 0, 0], [1, 1, 1]), 3), [[0], [1], [2]]);
  assert.deepEqual(shares(Assignment.balanced([], [1, 1]), 2), [[], []]);
});

Deno.test("names and costs are checked", () => {
  assert.equal(isBalanced("round_robin"), false);
  assert.equal(isBalanced(), false);
  assert.throws(() => isBalanced("fair" as "balanced"), /assignment must be/);
  assert.throws(() => checkCosts([1, 2], 3), /costs must be 3 finite numbers/);
  assert.throws(() => checkCosts([1, NaN, 2], 3), /costs must be 3 finite numbers/);
});

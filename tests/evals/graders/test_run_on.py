"""A text that runs on into another question: its answer stands before, marked or not."""

import pytest

from evals.graders.extract import RUNS_ON
from evals.graders.rules import lenient
from evals.graders.run_on import before_next_question, first_turn

MARKED = [
    "The answer is 5.", "\\boxed{5}", "#### 5", "<answer>5</answer>", "Final answer: 5",
    "<reasoning>r</reasoning>\n<answer>5</answer>", "<think>r</think>The answer is 5.",
]  # fmt: skip
CONCLUDED = [
    "So Tom has 5 apples.", "2 + 3 = 5", "5", "$5.", "2+3 equals 5.", "He ate 4, thus 5 remain.",
    "There were 9. In total 5 are left.", "<think>maybe 7</think>Therefore it takes 5 days.",
]  # fmt: skip
QUESTIONS = [
    "\n\nQuestion: What is 2+7?\nAnswer: 9", "\n\nQ: What is 2+7?\nA: 9",
    "\n\nProblem 2. Tom has 3 and 6.\n\\boxed{9}", "\n\nExample 2:\nTom has 3 and 6.\n#### 9",
    "\n\n### Exercise 7\nAdd 2 and 7.\nThe answer is 9.", "\n**Problem 3:** 2+7?\nSo it is 9.",
    "\n\n### Instruction:\nWhat is 2+7?\n### Response:\n9", "\nUser: 2+7?\nAssistant: 9",
    "\n\nNext question: 2+7?\nAnswer: 9", "\n\n\u95ee\u9898\uff1a2+7\uff1f\n\u7b54\u6848\uff1a9",
    "\n\nAufgabe 2: 2+7?\nAntwort: 9", "\n\nQuestion: 2+7?\n<think>b</think>\\boxed{9}",
    "\n\nQuestion: 2+7?\n<reasoning>b</reasoning>\n<answer>9</answer>",
]  # fmt: skip
TURNS = [
    "<end_of_turn>\n<start_of_turn>user\n2+7?<end_of_turn>\n<start_of_turn>model\n2+7 is 9.",
    "<|im_end|>\n<|im_start|>user\n2+7?<|im_end|>\n<|im_start|>assistant\n<think>b</think>So 9.",
    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n2+7?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n\\boxed{9}",
    "<|endoftext|>Human: What is 2+7?\nAssistant: 9", "</s><s>[INST] What is 2+7? [/INST] 9",
    "<|return|><|start|>user<|message|>2+7?<|end|><|start|>assistant<|channel|>final<|message|>9",
    "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>2+7?<|END_OF_TURN_TOKEN|>9",
    "<\uff5cend\u2581of\u2581sentence\uff5c><\uff5cUser\uff5c>2+7?<\uff5cAssistant\uff5c>9",
    "\n<|user|>\n2+7?\n<|assistant|>\n<reasoning>b</reasoning>\n<answer>9</answer>",
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS + TURNS)
def test_the_answer_stands_before_the_next_question(question):
    verdicts = {
        answer: (lenient(answer + question, "5").correct, lenient(answer + question, "9").correct)
        for answer in MARKED + CONCLUDED
    }
    assert verdicts == dict.fromkeys(MARKED + CONCLUDED, (True, False))


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_that_ends_ends_the_text_whatever_it_says(turn):
    assert lenient(f"Tom has 5 apples left{turn}", "5").correct is True
    assert lenient(f"<think>It is 9</think>I do not know{turn}", "9").correct is False


DOUBTFUL = [
    "Tom has 5 apples and he eats some.\n\nQuestion: What is 2+7?\nAnswer: 9",
    "Tom has 5 apples left.\n\nQuestion: What is 2+7?\nThe answer is 9.",
    "<think>r</think>Tom has 5 apples.\nProblem 4. What is 2+7?\n\\boxed{9}",
]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_a_number_before_a_question_may_be_the_answer_or_belong_to_the_question(text):
    verdicts = {gold: lenient(text, gold).correct for gold in ("5", "9", "7")}
    assert verdicts == {"5": None, "9": None, "7": False}
    assert lenient(text, "5").reason == RUNS_ON


@pytest.mark.parametrize(
    "text",
    [
        "Question: 2+7?\nAnswer: 9", "Let me repeat the question.\n\nQuestion: 2+7?\nAnswer: 9",
        "Question 1: What is 2+3?\nIt is 5.\nQuestion 2: What is 5+4?\nIt is 9.",
        "Problem 1. Add 2 and 3.\n\\boxed{5}\nProblem 2. Add 4.\n\\boxed{9}",
        "To see what the answer is, we go through cases.\nExample 4: 2+7\n\\boxed{9}",
        "<think>The answer is 5.\n\nQuestion: is it?\nNo.</think>The answer is 9.",
        "<|im_start|>user\nTom has 5.<|im_end|>\n<|im_start|>assistant\nSo it is 9.<|im_end|>",
        "<bos><start_of_turn>user\nAdd 4 to 5.<end_of_turn>\n<start_of_turn>model\n9<end_of_turn>",
        "[INST] What is 5+4? [/INST] 9 </s>", "The problem is this: 5 + 4 = 9",
    ],
)  # fmt: skip
def test_questions_that_belong_to_the_solution_and_prompts_do_not_end_it(text):
    assert (lenient(text, "9").correct, lenient(text, "5").correct) == (True, False)


def test_without_another_question_nothing_is_cut():
    text = "a user asks\nthe question is what\nproblems: none"
    assert before_next_question(text, lambda _: False, gold_is_number=True).text == text
    assert first_turn(text) == text

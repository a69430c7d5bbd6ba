"""The five questions of `my_path` as a form, for ipywidgets 7.7 and 8 alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets

from ftlessons.classroom.course import Entry
from ftlessons.classroom.widgets import paragraph
from ftlessons.lesson00.path import DOMAINS, KNOWLEDGE, TIMES, Answers, plan

QUESTION_WIDTH = "17em"


def path_widget(course: Mapping[str, Entry]) -> ipywidgets.VBox:
    """The form, its button, and below it the path.

    The path is shown as Markdown in an Output widget, because only there do links open in JupyterLab.
    """
    boxes = {domain: _tick(name) for domain, name in DOMAINS.items()}
    knows = _pick("2. What do you know already?", {text: key for key, text in KNOWLEDGE.items()}, "python")
    minutes = _pick("3. How much time do you have?", TIMES, TIMES["half a day"])
    teacher = _pick("4. Whom is the path for?", {"myself": False, "a class that I teach": True}, False)
    own_data = _pick("5. Do you have data of your own?", {"no": False, "yes": True}, False)
    button = ipywidgets.Button(description="Show my path", tooltip="Lists the lessons that suit your answers")
    answer = ipywidgets.Output()

    def show_path(_: Any) -> None:
        domains = tuple(domain for domain, box in boxes.items() if box.value)
        text = plan(
            Answers(domains, knows.value, minutes.value, teacher.value, own_data.value), course
        ).as_markdown()
        data = {"text/markdown": text, "text/plain": text}
        answer.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    button.on_click(show_path)
    wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
    asked = paragraph("1. What do you want to work with?", min_width=QUESTION_WIDTH)
    domains = ipywidgets.HBox([asked, *boxes.values()], layout=wrap)
    rows = [domains, knows, minutes, teacher, own_data, button, answer]
    return ipywidgets.VBox(rows).add_class("ftlib-path")


def _tick(name: str) -> ipywidgets.Checkbox:
    return ipywidgets.Checkbox(description=name, indent=False, layout=ipywidgets.Layout(width="7.5em"))


def _pick(question: str, options: Mapping[str, Any], value: Any) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(
        description=question,
        options=list(options.items()),
        value=value,
        style={"description_width": QUESTION_WIDTH},
        layout=ipywidgets.Layout(width="min(36em, 98%)"),
    )

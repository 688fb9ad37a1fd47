"""Golden people: a dozen persons with a story, found in every population. See docs/personas.md."""

from mockdata.personas.personas import Persona, Shown, personas

__all__ = ["Persona", "Shown", "personas"]

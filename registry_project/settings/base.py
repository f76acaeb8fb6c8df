from pathlib import Path

from registry_project.environment import Environment

env = Environment()

BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = Path(env.text("REGISTRY_VAR_DIR", str(BASE_DIR / "var"))).resolve()
VAR_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.flag("DEBUG", default=False)

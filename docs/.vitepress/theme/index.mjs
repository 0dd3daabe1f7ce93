// VitePress' own theme, with fonts that come along and a few rules for wide tables and plots.

import DefaultTheme from 'vitepress/theme'

import './style.css'

export default DefaultTheme
